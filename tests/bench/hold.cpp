// The smallest thing a sandbox can hold: static, says that it runs by one byte on stdout, then waits for ever.
// `bench_hold true` ends at once instead.
#include <unistd.h>

int main(int count, char**) {
    if (count > 1) return 0;
    if (write(STDOUT_FILENO, "r", 1) != 1) return 1;
    for (;;)
        pause();
}
