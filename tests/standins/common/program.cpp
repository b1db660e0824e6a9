#include "program.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <iostream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace standin {

namespace {

std::uint16_t port_number(const std::string& text) {
    std::uint16_t port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
        throw std::invalid_argument("--port wants a number up to 65535, not " + text);
    }
    return port;
}

}  // namespace

const char* const usage_of_words =
    "  --port       of the API; 0, the default, is any free one\n"
    "  --directory  where the sandboxes' files are kept while it runs; the default is a new one below $TMPDIR\n"
    "  --berth      says what belongs into berth.yaml, for people, instead of JSON\n"
    "  --end-with-input  also ends when stdin does\n";

Words read_words(int count, char** words, const std::map<std::string, std::string*>& own) {
    Words read;
    for (int index = 1; index < count; ++index) {
        const std::string name = words[index];
        if (name == "--end-with-input") {
            read.end = End::with_input;
            continue;
        }
        if (name == "--berth") {
            read.greeting = Words::Greeting::berth;
            continue;
        }
        if (index + 1 == count) throw std::invalid_argument(name + " wants a value");
        const std::string value = words[++index];
        if (const auto text = own.find(name); text != own.end()) {
            *text->second = value;
        } else if (name == "--directory") {
            read.directory = value;
        } else if (name == "--port") {
            read.port = port_number(value);
        } else {
            throw std::invalid_argument("there is no option " + name);
        }
    }
    return read;
}

void greet(const Words& words, const Greeting& greeting) {
    if (words.greeting == Words::Greeting::json) {
        std::cout << greeting.about << std::endl;
        return;
    }
    const auto& [title, plugin, base, about, variable, secret, config] = greeting;
    std::cout << "# A stand-in for " << title << " listens. For berth.yaml:\nversion: 1\nproviders:\n  " << plugin
              << ":\n    plugin: " << plugin << "\n    config:\n      api_url: \"" << base << "/api\"\n";
    for (const auto& [name, value] : config) {
        std::cout << "      " << name << ": " << value << "\n";
    }
    std::cout << "# For the shell:  export " << variable << "=" << secret
              << "\n# Faults, recorded requests and its clock: " << base
              << "/_standin (tests/standins/README.md)\n# Ctrl-C ends it and everything in it." << std::endl;
}

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

int run_program(const char* name, const char* usage, const std::function<void()>& serve) {
    try {
        serve();
        return 0;
    } catch (const std::invalid_argument& wrong) {
        std::cerr << name << ": " << wrong.what() << "\n" << usage << usage_of_words;
        return 2;
    } catch (const std::exception& failure) {
        std::cerr << name << ": " << failure.what() << "\n";
        return 1;
    }
}

}  // namespace standin
