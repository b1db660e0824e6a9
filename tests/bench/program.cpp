#include "program.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace bench {

Words::Words(std::vector<std::string> words) : words_(std::move(words)) {
    for (std::string& word : words_) {
        pointers_.push_back(word.data());
    }
    pointers_.push_back(nullptr);
}

Streams::Streams() {
    if (posix_spawn_file_actions_init(&actions_) != 0) throw std::runtime_error("out of memory");
    for (int descriptor = 0; descriptor < 3; ++descriptor) {
        posix_spawn_file_actions_addopen(&actions_, descriptor, "/dev/null", O_RDWR, 0);
    }
}

Streams::~Streams() {
    posix_spawn_file_actions_destroy(&actions_);
}

void Streams::set(int target, int source) {
    posix_spawn_file_actions_adddup2(&actions_, source, target);
}

pid_t spawn(char* const* words, const Streams& streams) {
    pid_t child = 0;
    const int error = posix_spawnp(&child, words[0], streams.get(), nullptr, words, environ);
    if (error != 0) throw std::runtime_error(std::string(words[0]) + " does not start: " + std::strerror(error));
    return child;
}

int wait_for(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) != child) {
        if (errno != EINTR) throw std::runtime_error("waitpid failed");
    }
    return status;
}

void run(char* const* words, const Streams& streams) {
    const int status = wait_for(spawn(words, streams));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw std::runtime_error(std::string(words[0]) + " did not exit 0 but with wait status " +
                                 std::to_string(status));
    }
}

Pipe::Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    read_end = ends[0];
    write_end = ends[1];
}

Pipe::~Pipe() {
    close_write_end();
    close(read_end);
}

void Pipe::close_write_end() {
    if (write_end >= 0) close(std::exchange(write_end, -1));
}

Companion::Companion(const std::vector<std::string>& words, const std::string& log) : log_(log) {
    const Words argv(words);
    Streams streams;
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) throw std::runtime_error("cannot write " + log);
    streams.set(0, requests_.read_end);
    streams.set(1, answers_.write_end);
    streams.set(2, file);
    child_ = spawn(argv.get(), streams);
    close(file);
    answers_.close_write_end();
    if (line() != "ready") throw std::runtime_error(words[0] + " did not begin; see " + log);
}

Companion::~Companion() {
    requests_.close_write_end();
    if (child_ > 0) wait_for(child_);
}

double Companion::step() {
    if (write(requests_.write_end, "\n", 1) != 1) throw std::runtime_error("a companion is gone; see " + log_);
    const std::string answer = line();
    const double took = std::atof(answer.c_str());
    if (took <= 0) throw std::runtime_error("a companion failed; see " + log_);
    return took;
}

std::string Companion::line() {
    for (;;) {
        const std::size_t end = read_.find('\n');
        if (end != std::string::npos) {
            std::string result = read_.substr(0, end);
            read_.erase(0, end + 1);
            return result;
        }
        char buffer[256];
        const ssize_t size = read(answers_.read_end, buffer, sizeof buffer);
        if (size <= 0) {
            wait_for(std::exchange(child_, -1));
            return {};
        }
        read_.append(buffer, static_cast<std::size_t>(size));
    }
}

}  // namespace bench
