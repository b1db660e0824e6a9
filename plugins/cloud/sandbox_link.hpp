// What our own small works in a sandbox need of a backend: run a shell text, bring files, fetch one. Each backend has its own;
// knows no method of the contract.
#pragma once

#include <berth/api_client.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace berth_cloud {

struct ShellAnswer {
    int exit_code = 0;
    std::string out;
    std::string err;  // a backend that mixes both streams gives all of it twice
};

class SandboxLink {
public:
    virtual ~SandboxLink() = default;

    // A program whose output is text; for our own small works, not for what a caller asked to run.
    [[nodiscard]] virtual ShellAnswer shell(const std::vector<std::string>& words) = 0;
    // The same, not waited for.
    virtual void start(const std::vector<std::string>& words) = 0;

    // A file on its way to `path`, below /tmp. It may wait here for others, and travel beside others.
    virtual void stage(const std::string& path, std::string_view content, unsigned mode) = 0;
    // How many bytes wait here.
    [[nodiscard]] virtual std::size_t staged() const = 0;
    // Sends what waits.
    virtual void send_staged() = 0;
    // Until no more than so many sendings are under way. Throws when one was lost.
    virtual void wait_for_staged(std::size_t left_under_way) = 0;
    [[nodiscard]] virtual std::size_t under_way() const = 0;
    // Whether what is staged has its mode; else it must be set in the sandbox.
    [[nodiscard]] virtual bool keeps_modes() const = 0;

    // not_found when there is no such file, or when the sandbox does not run.
    [[nodiscard]] virtual berth::OpenAnswer read_file(const std::string& path) = 0;
};

}  // namespace berth_cloud
