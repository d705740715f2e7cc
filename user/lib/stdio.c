#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where formatted bytes go: a descriptor through a buffer, or memory. */
struct sink {
    void (*put)(struct sink *sink, char c);
    int count; /* bytes produced so far */
};

struct file_sink {
    struct sink sink; /* first, so that the one can be cast to the other */
    int fd;
    bool by_line;
    size_t used;
    char buffer[256];
};

struct memory_sink {
    struct sink sink;
    char *at;
    size_t size;
};

struct conversion {
    bool left;
    bool zeros;
    int width;
    bool is_long;
};

static void flush(struct file_sink *file)
{
    size_t done = 0;

    while (done < file->used) {
        ssize_t n = write(file->fd, file->buffer + done, file->used - done);

        if (n <= 0) /* dropped: to keep it would mean to fail on every later line too */
            break;
        done += (size_t)n;
    }
    file->used = 0;
}

static void put_file(struct sink *sink, char c)
{
    struct file_sink *file = (struct file_sink *)sink;

    file->buffer[file->used++] = c;
    if (file->used == sizeof(file->buffer) || (file->by_line && c == '\n'))
        flush(file);
}

static void put_memory(struct sink *sink, char c)
{
    struct memory_sink *memory = (struct memory_sink *)sink;

    if (memory->size > 1) {
        *memory->at++ = c;
        memory->size--;
    }
}

static void put(struct sink *sink, char c)
{
    sink->put(sink, c);
    sink->count++;
}

/* Puts `prefix` (a sign, "0x" or nothing) and `length` bytes of `text`, padded to the width. */
static void put_padded(struct sink *sink, const struct conversion *conv, const char *prefix,
                       const char *text, size_t length)
{
    int padding = conv->width - (int)(strlen(prefix) + length);
    bool zeros = conv->zeros && !conv->left;

    if (!conv->left && !zeros)
        for (; padding > 0; padding--)
            put(sink, ' ');
    while (*prefix != '\0')
        put(sink, *prefix++);
    if (zeros)
        for (; padding > 0; padding--)
            put(sink, '0');
    while (length-- > 0)
        put(sink, *text++);
    for (; padding > 0; padding--)
        put(sink, ' ');
}

static void put_number(struct sink *sink, const struct conversion *conv, const char *prefix,
                       unsigned long value, unsigned base)
{
    char digits[20]; /* 2^64 - 1 has 20 decimal digits */
    size_t first = sizeof(digits);

    do {
        digits[--first] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    put_padded(sink, conv, prefix, digits + first, sizeof(digits) - first);
}

static void put_signed(struct sink *sink, const struct conversion *conv, long value)
{
    /* Negated as unsigned, because -LONG_MIN does not exist. */
    put_number(sink, conv, value < 0 ? "-" : "",
               value < 0 ? -(unsigned long)value : (unsigned long)value, 10);
}

static void format_to(struct sink *sink, const char *format, va_list args)
{
    for (; *format != '\0'; format++) {
        struct conversion conv = {.left = false};
        const char *string;
        char c;

        if (*format != '%') {
            put(sink, *format);
            continue;
        }
        for (format++; *format == '-' || *format == '0'; format++) {
            if (*format == '-')
                conv.left = true;
            else
                conv.zeros = true;
        }
        for (; *format >= '0' && *format <= '9'; format++)
            conv.width = conv.width * 10 + (*format - '0');
        if (*format == 'l') {
            conv.is_long = true;
            format++;
        }
        switch (*format) {
        case 'd':
            put_signed(sink, &conv, conv.is_long ? va_arg(args, long) : va_arg(args, int));
            break;
        case 'u':
        case 'x':
            put_number(sink, &conv, "",
                       conv.is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned),
                       *format == 'x' ? 16 : 10);
            break;
        case 'p':
            put_number(sink, &conv, "0x", (unsigned long)va_arg(args, void *), 16);
            break;
        case 's':
            conv.zeros = false;
            string = va_arg(args, const char *);
            put_padded(sink, &conv, "", string, strlen(string));
            break;
        case 'c':
            conv.zeros = false;
            c = (char)va_arg(args, int);
            put_padded(sink, &conv, "", &c, 1);
            break;
        case '%':
            put(sink, '%');
            break;
        default: /* gcc's format check knows more conversions than are here: show it */
            put(sink, '%');
            if (*format == '\0')
                return;
            put(sink, *format);
        }
    }
}

/* All zero but for one pointer, so it costs the file only that. */
static struct file_sink standard_output;

/*
 * Set up at first use rather than by an initialiser: the buffer then lies in bss, and no address
 * lies in data for the loader to relocate.
 */
static struct sink *output(void)
{
    standard_output.sink.put = put_file;
    standard_output.sink.count = 0;
    standard_output.fd = STDOUT_FILENO;
    standard_output.by_line = true;
    return &standard_output.sink;
}

int printf(const char *format, ...)
{
    struct sink *sink = output();
    va_list args;

    va_start(args, format);
    format_to(sink, format, args);
    va_end(args);
    return sink->count;
}

int dprintf(int fd, const char *format, ...)
{
    struct file_sink file;
    va_list args;

    file.sink.put = put_file;
    file.sink.count = 0;
    file.fd = fd;
    file.by_line = false;
    file.used = 0;
    va_start(args, format);
    format_to(&file.sink, format, args);
    va_end(args);
    flush(&file);
    return file.sink.count;
}

int snprintf(char *at, size_t size, const char *format, ...)
{
    struct memory_sink memory = {{put_memory, 0}, at, size};
    va_list args;

    va_start(args, format);
    format_to(&memory.sink, format, args);
    va_end(args);
    if (size > 0)
        *memory.at = '\0';
    return memory.sink.count;
}

int putchar(int character)
{
    put(output(), (char)character);
    return (unsigned char)character;
}

int puts(const char *string)
{
    struct sink *sink = output();

    while (*string != '\0')
        put(sink, *string++);
    put(sink, '\n');
    return 0;
}

void stdio_flush(void)
{
    flush(&standard_output);
}
