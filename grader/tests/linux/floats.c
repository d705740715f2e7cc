/* floats: the mathematical library, what printf() makes of numbers, and rounding. */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void functions(void)
{
    static const struct {
        const char *name;
        double (*function)(double);
    } all[] = {{"sqrt", sqrt},   {"cbrt", cbrt},     {"sin", sin},     {"cos", cos},
               {"tan", tan},     {"atan", atan},     {"exp", exp},     {"log", log},
               {"log2", log2},   {"tgamma", tgamma}, {"erf", erf},     {"floor", floor},
               {"ceil", ceil},   {"round", round},   {"trunc", trunc}, {"rint", rint},
               {"expm1", expm1}, {"lgamma", lgamma}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        printf("%s: %.17g %.17g %.6g\n", all[i].name, all[i].function(0.7), all[i].function(2.5),
               all[i].function(123.456));
    printf("pow %.17g, atan2 %.17g, fmod %g, hypot %g, fma %g\n", pow(2.5, 3.5), atan2(1, -1),
           fmod(17.25, 5), hypot(3, 4), fma(2, 3, 4));
    int exponent;
    double fraction = frexp(48.0, &exponent), whole, rest = modf(-3.75, &whole);
    printf("48 is %g * 2^%d; -3.75 is %g and %g; ldexp %g\n", fraction, exponent, whole, rest,
           ldexp(0.75, 10));
}

static void extremes(void)
{
    volatile double zero = 0, most = DBL_MAX;
    printf("%g %g %g %g\n", 1 / zero, -1 / zero, zero / zero < 1 ? 1.0 : 0.0, -zero);
    printf("%d %d %d\n", isnan(zero / zero) != 0, isinf(most * 2) != 0, signbit(-zero) != 0);
    printf("%g %.17g %g %g\n", DBL_MIN / 4, DBL_EPSILON, (double)FLT_MAX, nextafter(1, 2) - 1);
    printf("%.20Lg %Lg\n", 1.0L / 3, LDBL_MAX);
    printf("%g %g\n", strtod("0x1.8p3", NULL), strtod("1e-310", NULL));
    double sum = 0;
    for (int i = 1; i <= 100000; i++)
        sum += 1.0 / i / i;
    printf("pi from a sum: %.12f\n", sqrt(6 * sum));
}

/* The way of rounding is the process's own: kept while it sleeps, handed to its child. */
static void rounding(void)
{
    static const int ways[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    static const char *const names[] = {"to nearest", "up", "down", "to zero"};
    volatile double one = 1, three = 3;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        fesetround(ways[i]);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        printf("%s: %.20f %.20f %ld %ld\n", names[i], one / three, -one / three, lrint(2.5),
               lrint(-2.5));
    }
    fesetround(FE_UPWARD);
    pid_t child = fork();
    if (child == 0)
        _exit(fegetround() == FE_UPWARD && one / three > 0.33333333333333333 ? 1 : 2);
    int status = 0;
    waitpid(child, &status, 0);
    printf("a child rounds like its parent: %d\n", WEXITSTATUS(status) == 1);
    fesetround(FE_TONEAREST);
    feclearexcept(FE_ALL_EXCEPT);
    volatile double inexact = one / three, huge = DBL_MAX * three;
    (void)inexact, (void)huge;
    printf("inexact %d, overflow %d, division by zero %d\n", fetestexcept(FE_INEXACT) != 0,
           fetestexcept(FE_OVERFLOW) != 0, fetestexcept(FE_DIVBYZERO) != 0);
}

int main(void)
{
    functions();
    extremes();
    rounding();
    return 0;
}
