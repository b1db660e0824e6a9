// Servers that are programs of their own, and certificates that only a test trusts.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "config/configuration.hpp"

namespace berth_test {

inline void run_or_fail(const std::string& command) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): a test's own words, before it has a thread
    REQUIRE_MESSAGE(std::system(command.c_str()) == 0, command);
}

/// A certificate that nobody but a test trusts, for localhost and 127.0.0.1.
class Certificate {
public:
    Certificate() {
        std::string pattern = (std::filesystem::temp_directory_path() / "berth-tls.XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        directory_ = pattern;
        run_or_fail(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
            "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " +
            key() + " -out " + file() + " 2>/dev/null");
    }
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;
    ~Certificate() {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    [[nodiscard]] std::string file() const { return directory_ + "/certificate.pem"; }
    [[nodiscard]] std::string key() const { return directory_ + "/key.pem"; }
    [[nodiscard]] berth::HttpConfiguration trusted() const {
        berth::HttpConfiguration http;
        http.ca_file = file();
        return http;
    }

private:
    std::string directory_;
};

/// A script of tests/support that listens on loopback: it prints its port and ends with its standard input.
class ServerProcess {
public:
    ServerProcess(const std::string& script, const std::vector<std::string>& words) {
        auto to_it = berth::make_pipe();
        auto from_it = berth::make_pipe();
        std::vector<std::string> copies{script};
        copies.insert(copies.end(), words.begin(), words.end());
        std::vector<char*> pointers;
        for (auto& copy : copies)
            pointers.push_back(copy.data());
        pointers.push_back(nullptr);
        child_ = ::fork();
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            ::dup2(to_it.read_end.get(), 0);
            ::dup2(from_it.write_end.get(), 1);
            ::execv(script.c_str(), pointers.data());
            ::_exit(127);
        }
        from_it.write_end.reset();
        life_ = std::move(to_it.write_end);
        char byte = 0;
        while (::read(from_it.read_end.get(), &byte, 1) == 1 && byte != '\n')
            port_ += byte;
        REQUIRE_MESSAGE(!port_.empty(), script, " did not start; `./dev setup` installs what it needs");
    }
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    ~ServerProcess() {
        life_.reset();
        int status = 0;
        ::waitpid(child_, &status, 0);
    }
    [[nodiscard]] const std::string& port() const noexcept { return port_; }

private:
    berth::FileDescriptor life_;
    pid_t child_ = -1;
    std::string port_;
};

}  // namespace berth_test
