// Berth as a program that embeds it has it, for the benchmarks: a Host on the provider `local` with a state directory of
// its own, and the sandboxes that bubblewrap alone makes in the same shape.
#pragma once

#include <string>
#include <vector>

#include "engine/host.hpp"
#include "program.hpp"

namespace bench {

/// A directory on a disk (below `parent`) that sandboxes' accounts can search; removed with all it holds.
class Place {
public:
    explicit Place(const std::string& parent);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// `plugins` is the directory with local.so.
[[nodiscard]] berth::HostOptions embedded_options(const std::string& plugins, const std::string& state);

[[nodiscard]] berth::SandboxName make_sandbox(berth::Host& host);
[[nodiscard]] berth::ProcessConfig command(std::vector<std::string> words);

/// bubblewrap with the namespaces, the binds and the settings of a sandbox of local.so, holding `words`. Each has
/// directories of its own below `place`, made by this.
[[nodiscard]] std::vector<std::string> same_bubblewrap(const std::string& place, const std::vector<std::string>& words);

/// bench_hold, as a descriptor: our files lie in no sandbox's /usr.
class HeldProgram {
public:
    explicit HeldProgram(const std::string& path);
    HeldProgram(const HeldProgram&) = delete;
    HeldProgram& operator=(const HeldProgram&) = delete;
    ~HeldProgram();
    [[nodiscard]] int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

/// The same bubblewrap holding bench_hold. Made when that has said that it runs; ends with all that is in it.
class HeldSandbox {
public:
    HeldSandbox(const std::string& place, const HeldProgram& held);
    HeldSandbox(const HeldSandbox&) = delete;
    HeldSandbox& operator=(const HeldSandbox&) = delete;
    ~HeldSandbox();

private:
    pid_t child_;
};

}  // namespace bench
