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
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <berth/plugin.h>

#include "../../host/worker/wire/frame.hpp"  // for those that speak in the worker's place

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

[[maybe_unused]] [[noreturn]] inline void wait_forever() {
    for (;;)
        ::pause();
}

/// For the test, which waits for it.
constexpr std::string_view hanging = "it hangs from here on";

[[maybe_unused]] [[noreturn]] inline void hang() {
    (void)std::printf("%s\n", hanging.data());
    std::fflush(stdout);
    wait_forever();
}

[[maybe_unused]] inline void wait_for_event(berth_call* call) {
    call->progress(call, {hanging.data(), hanging.size()}, 0, 0);
    pollfd event{call->events_fd(call), POLLIN, 0};
    ::poll(&event, 1, -1);
}

/// Hears of the cancel, and hangs all the same.
[[maybe_unused]] [[noreturn]] inline void hang_after_cancel(berth_call* call) {
    wait_for_event(call);
    wait_forever();
}

/// Hears of the cancel and takes its time, within what the host allows.
[[maybe_unused]] inline void cancel_slowly(berth_call* call) {
    wait_for_event(call);
    ::poll(nullptr, 0, 100);
}

[[maybe_unused]] inline void print() {
    std::puts("this is no place for words");
    std::fflush(stdout);
}

/// Without the end of a line, and left to whoever flushes.
[[maybe_unused]] inline void print_half_a_line() {
    std::fputs("this is no place for", stdout);
}

[[maybe_unused]] inline void eat_memory() {
    std::vector<std::vector<char>> eaten;
    for (int gibibyte = 0; gibibyte < 10; ++gibibyte)
        eaten.emplace_back(std::size_t{1} << 30U, 'x');
}

/// Children that run on when their parent is gone.
[[maybe_unused]] inline void fork_many() {
    for (int child = 0; child < 50; ++child)
        if (::fork() == 0) wait_forever();
    std::abort();
}

[[maybe_unused]] inline void fork_one() {
    if (::fork() == 0) hang();
}

[[maybe_unused]] inline void close_everything() {
    for (int descriptor = 0; descriptor < 1024; ++descriptor)
        ::close(descriptor);
    wait_forever();
}

[[maybe_unused]] inline void change_surroundings() {
    if (::chdir("/proc") != 0) std::abort();
    ::umask(0777);
    std::setlocale(LC_ALL, "");
    ::setenv("PATH", "/nowhere", 1);
}

[[maybe_unused]] inline void leak_threads() {
    for (int thread = 0; thread < 20; ++thread)
        std::thread(wait_forever).detach();
}

/// On a thread of its own nobody can catch it.
[[maybe_unused]] inline void throw_in_thread() {
    std::thread([] { throw std::runtime_error("thrown where nobody catches"); }).detach();
    wait_forever();
}

/// Speaks out of turn on whatever socket it finds.
[[maybe_unused]] inline void babble() {
    static constexpr char words[] = "GET / HTTP/1.1\r\nHost: somewhere\r\n\r\n";
    for (int descriptor = 3; descriptor < 64; ++descriptor)
        (void)::send(descriptor, words, sizeof words, MSG_NOSIGNAL | MSG_DONTWAIT);
    wait_forever();
}

/// Says in its worker's place, before that can, that it was loaded and has no method at all.
[[maybe_unused]] inline void speak_for_worker() {
    constexpr int to_host = 3;
    constexpr std::size_t longest = 64;
    struct {
        berth::wire::FrameHeader header{longest, berth::wire::FrameKind::loaded, 0, 0};
        std::array<char, longest> nothing{};
    } const message;
    (void)::send(to_host, &message, sizeof message, MSG_NOSIGNAL);
    wait_forever();
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

/// Where the sandbox of a plugin lies that does what it should and dies over it.
inline std::string place_of_sandbox(pid_t test) {
    const char* const folder = std::getenv("TMPDIR");
    return std::string(folder != nullptr ? folder : "/tmp") + "/berth-misbehaving-sandbox-" + std::to_string(test);
}

/// False: it was gone before.
[[maybe_unused]] inline bool remove_sandbox_and_die() {
    if (::unlink(place_of_sandbox(::getppid()).c_str()) != 0) return false;
    std::abort();
}

/// Begins a file and returns as if it were done.
[[maybe_unused]] inline berth_status leave_file_open(berth_file_sink* sink) {
    static constexpr char words[] = "half of";
    berth_file_entry entry{};
    entry.size = sizeof entry;
    entry.kind = BERTH_FILE;
    entry.flags = BERTH_ENTRY_TOP;
    if (const auto status = sink->begin(sink, &entry); status != BERTH_OK) return status;
    return sink->write(sink, {reinterpret_cast<const uint8_t*>(words), sizeof words - 1});
}

}  // namespace dangers
