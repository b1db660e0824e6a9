// What a plugin can do to the process it runs in. plugin.cpp does one of these in one place, as its macros say. Each is
// bounded, so that it hurts nobody outside a worker but a worker all the more.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <berth/plugin.h>

namespace dangers {

[[maybe_unused]] inline void call_nothing() {
    void (*volatile nothing)() = nullptr;
    nothing();
}

[[maybe_unused]] inline int overflow_stack(int depth = 0) {
    static volatile int deepest = INT_MAX;  // never reached, which a compiler must not know
    if (depth == deepest) return depth;
    std::array<char, 4096> frame{};
    volatile char* const seen = frame.data();
    seen[static_cast<std::size_t>(depth) % frame.size()] = 1;
    return overflow_stack(depth + 1) + seen[0];
}

[[maybe_unused]] [[noreturn]] inline void hang() {
    for (;;)
        ::pause();
}

/// Hears of the cancel, and hangs all the same.
[[maybe_unused]] [[noreturn]] inline void hang_after_cancel(berth_call* call) {
    pollfd event{call->events_fd(call), POLLIN, 0};
    ::poll(&event, 1, -1);
    hang();
}

/// Hears of the cancel and takes its time, within what the host allows.
[[maybe_unused]] inline void cancel_slowly(berth_call* call) {
    pollfd event{call->events_fd(call), POLLIN, 0};
    ::poll(&event, 1, -1);
    ::poll(nullptr, 0, 100);
}

[[maybe_unused]] inline void print() {
    std::puts("this is no place for words");
    std::fflush(stdout);
}

[[maybe_unused]] inline void eat_memory() {
    std::vector<std::vector<char>> eaten;
    for (int gibibyte = 0; gibibyte < 10; ++gibibyte)
        eaten.emplace_back(std::size_t{1} << 30U, 'x');
}

/// Children that run on when their parent is gone.
[[maybe_unused]] inline void fork_many() {
    for (int child = 0; child < 50; ++child)
        if (::fork() == 0) hang();
    std::abort();
}

[[maybe_unused]] inline void close_everything() {
    for (int descriptor = 0; descriptor < 1024; ++descriptor)
        ::close(descriptor);
    hang();
}

[[maybe_unused]] inline void change_surroundings() {
    if (::chdir("/proc") != 0) std::abort();
    ::umask(0777);
    std::setlocale(LC_ALL, "");
    ::setenv("PATH", "/nowhere", 1);
}

[[maybe_unused]] inline void leak_threads() {
    for (int thread = 0; thread < 20; ++thread)
        std::thread(hang).detach();
}

/// Speaks out of turn on whatever socket it finds.
[[maybe_unused]] inline void babble() {
    static constexpr char words[] = "GET / HTTP/1.1\r\nHost: somewhere\r\n\r\n";
    for (int descriptor = 3; descriptor < 64; ++descriptor)
        (void)::send(descriptor, words, sizeof words, MSG_NOSIGNAL | MSG_DONTWAIT);
    hang();
}

/// Comes back to the sink when the method has long returned.
[[maybe_unused]] inline void use_sink_later(berth_info_sink* sink, const berth_sandbox_info& info) {
    // The copy's views point to text of static life.
    std::thread([sink, info] {
        berth_environment environment{};
        environment.size = sizeof environment;
        auto late = info;
        late.environment = &environment;
        for (int round = 0; round < 1000; ++round) {
            (void)sink->put(sink, &late);
            std::this_thread::yield();
        }
    }).detach();
}

/// Goes on writing after the method has returned.
[[maybe_unused]] inline void write_later(berth_process_sink* sink) {
    std::thread([sink] {
        static constexpr char words[] = "late";
        for (int round = 0; round < 1000; ++round)
            (void)sink->output(sink, BERTH_STDOUT, {reinterpret_cast<const uint8_t*>(words), sizeof words - 1});
    }).detach();
}

}  // namespace dangers
