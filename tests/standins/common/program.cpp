#include "program.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace standin {

Place::Place(const std::filesystem::path& wish, const std::string& name) : path_(wish) {
    if (!wish.empty()) {
        std::filesystem::create_directories(wish);
        return;
    }
    auto pattern = (std::filesystem::temp_directory_path() / (name + "-XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::system_error(errno, std::generic_category(), pattern);
    path_ = pattern;
    own_ = true;
}

Place::~Place() {
    std::error_code ignored;  // whoever else put something there keeps it
    if (own_) std::filesystem::remove(path_, ignored);
}

sigset_t block_ending_signals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        ::sigaddset(&signals, number);
    }
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return signals;
}

void wait_for_end(End end, const sigset_t& signals) {
    if (end == End::with_input) {
        std::thread([] {
            char ignored = 0;
            while (::read(STDIN_FILENO, &ignored, 1) > 0) {
            }
            ::kill(::getpid(), SIGTERM);
        }).detach();
    }
    int number = 0;
    ::sigwait(&signals, &number);
}

std::uint16_t port_number(const std::string& text) {
    std::uint16_t port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
        throw std::invalid_argument("--port wants a number up to 65535, not " + text);
    }
    return port;
}

}  // namespace standin
