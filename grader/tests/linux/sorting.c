/* sorting: arrays, trees and tables of the C library. */
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 20000, WORDS = 500 };

static int numbers[NUMBERS], by_tree;
static char words[WORDS][12];

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void visit(const void *node, VISIT order, int depth)
{
    (void)depth;
    static int last = -1;
    int value = **(int *const *)node;
    if (order == postorder || order == leaf) {
        by_tree += value >= last;
        last = value;
    }
}

int main(void)
{
    uint32_t state = 7;
    for (int i = 0; i < NUMBERS; i++) {
        state = state * 1103515245 + 12345;
        numbers[i] = (int)(state >> 12) % 100000;
    }
    int first = numbers[0];
    long sum = 0, sum_after = 0;
    for (int i = 0; i < NUMBERS; i++)
        sum += numbers[i];
    qsort(numbers, NUMBERS, sizeof(*numbers), compare_ints);
    bool sorted = true;
    for (int i = 0; i < NUMBERS; i++) {
        sum_after += numbers[i];
        sorted &= i == 0 || numbers[i - 1] <= numbers[i];
    }
    printf("qsort: %d numbers sorted: %d, the same: %d\n", NUMBERS, sorted, sum == sum_after);
    printf("least %d, median %d, greatest %d\n", numbers[0], numbers[NUMBERS / 2],
           numbers[NUMBERS - 1]);
    int *found = bsearch(&first, numbers, NUMBERS, sizeof(*numbers), compare_ints), none = -1;
    printf("bsearch: %d and %s\n", found ? *found == first : -1,
           bsearch(&none, numbers, NUMBERS, sizeof(*numbers), compare_ints) ? "one" : "none");

    char *sorted_words[WORDS];
    for (int i = 0; i < WORDS; i++) {
        snprintf(words[i], sizeof(words[i]), "w%x", (unsigned)(i * 2654435761u >> 8));
        sorted_words[i] = words[i];
    }
    qsort(sorted_words, WORDS, sizeof(*sorted_words), compare_words);
    printf("words: %s %s ... %s\n", sorted_words[0], sorted_words[1], sorted_words[WORDS - 1]);
    size_t count = WORDS;
    printf("lfind: %d\n", lfind("w0", words, &count, sizeof(words[0]), compare_strings) != NULL);

    void *tree = NULL;
    for (int i = 0; i < NUMBERS; i += 40)
        tsearch(&numbers[i], &tree, compare_ints);
    twalk(tree, visit);
    printf("twalk: %d in order, tfind: %d\n", by_tree,
           tfind(&numbers[400], &tree, compare_ints) != NULL);
    hcreate(2 * WORDS);
    for (int i = 0; i < WORDS; i++)
        hsearch((ENTRY){words[i], (void *)(intptr_t)i}, ENTER);
    ENTRY *entry = hsearch((ENTRY){words[123], NULL}, FIND);
    printf("hsearch: %d\n", entry ? (int)(intptr_t)entry->data : -1);
    hdestroy();
    return 0;
}
