// A whole process that asks one address by libcurl and prints nothing: `bench_bare_get URL HEADER...`.
#include <cstdio>
#include <exception>

#include "bare_curl.hpp"

int main(int count, char** words) {
    if (count < 2) return 2;
    try {
        bench::BareClient client;
        (void)client.send({words[1], {words + 2, words + count}, {}});
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_bare_get: %s\n", error.what());
        return 1;
    }
}
