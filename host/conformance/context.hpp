// What a case works with: sandboxes that are cleaned up, short ways to run things, checks that say what was found.
// Knows no case.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "suite.hpp"

namespace berth::inline host_v1::conformance {

/// A case has failed: the line of the case and what was expected.
class Failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The case cannot be run on this provider or machine, for the reason given.
class Skipped : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A directory on the host for one case, removed with it.
class HostDirectory {
public:
    HostDirectory();
    ~HostDirectory();
    HostDirectory(const HostDirectory&) = delete;
    HostDirectory& operator=(const HostDirectory&) = delete;

    [[nodiscard]] std::string path(std::string_view name) const { return (root_ / name).string(); }
    [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
    /// Writes a file, parents included.
    void write(std::string_view name, std::string_view content) const;
    /// The content of a file; fails the case when it is missing.
    [[nodiscard]] std::string read(std::string_view name) const;
    /// Names directly inside, sorted.
    [[nodiscard]] std::vector<std::string> names(std::string_view directory = ".") const;

private:
    std::filesystem::path root_;
};

template <typename Value>
[[nodiscard]] std::string shown(const Value& value) {
    std::ostringstream text;
    if constexpr (std::is_convertible_v<Value, std::string_view>) {
        const std::string_view view = value;
        text << '"' << view.substr(0, 400) << (view.size() > 400 ? "\"..." : "\"") << " (" << view.size() << " bytes)";
    } else if constexpr (std::is_enum_v<Value>) {
        text << static_cast<long long>(value);
    } else {
        text << value;
    }
    return text.str();
}

class Context {
public:
    /// `template_name`: what sandboxes start from when a case does not say.
    Context(Host& host, std::string provider, std::optional<std::string> template_name = {});
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    [[nodiscard]] Host& host() noexcept { return host_; }
    [[nodiscard]] const std::string& provider() const noexcept { return provider_; }
    [[nodiscard]] bool offers(std::string_view method_or_feature) const;

    // --- sandboxes ---
    /// One that cases may share when they leave it as it was but for files of their own.
    SandboxName shared();
    /// A new one, destroyed with the case.
    SandboxName fresh(const SandboxConfig& config = {});
    SandboxInfo create(const SandboxConfig& config);
    /// Will be destroyed with the case if it still exists.
    void adopt(const SandboxName& sandbox) { made_.push_back(sandbox); }
    void clean_up();

    // --- this process ---
    /// What `canary_variable` holds here; skips the case when nobody has set it.
    [[nodiscard]] static std::string canary();

    // --- processes ---
    /// Runs an argv and gives its result, whatever that is.
    ProcessResult run(const SandboxName& sandbox, std::vector<std::string> argv);
    /// Runs a line of shell.
    ProcessResult shell(const SandboxName& sandbox, std::string line);
    /// stdout of a line of shell that must exit 0.
    std::string output_of(const SandboxName& sandbox, std::string line, int source_line = __builtin_LINE());
    [[nodiscard]] static ProcessConfig process(std::vector<std::string> argv);
    [[nodiscard]] static ProcessConfig shell_process(std::string line);
    /// A bound that only a hanging provider reaches.
    [[nodiscard]] static CallOptions bounded();
    /// A sandbox path no other case uses.
    [[nodiscard]] std::string unique_path(std::string_view stem);

    // --- checks ---
    void expect(bool condition, std::string_view what, int source_line = __builtin_LINE()) const;
    template <typename Actual, typename Expected>
    void equal(const Actual& actual, const Expected& expected, std::string_view what,
               int source_line = __builtin_LINE()) const {
        if (actual == expected) return;
        fail(std::string(what) + ": expected " + shown(expected) + ", found " + shown(actual), source_line);
    }
    /// `act` must throw an Error of this code; gives it back for a closer look.
    Error refused(Code code, const std::function<void()>& act, std::string_view what,
                  int source_line = __builtin_LINE()) const;
    [[noreturn]] void fail(const std::string& what, int source_line = __builtin_LINE()) const;

private:
    Host& host_;
    std::string provider_;
    std::optional<std::string> template_name_;
    ProviderStatus status_;
    std::vector<SandboxName> made_;
    std::optional<SandboxName> shared_;
    int next_path_ = 0;
};

/// Reads until `wanted` has come, or the stream ends; fails the case when nothing comes for a minute.
std::string read_until(const Context& context, ByteStream& stream, std::string_view wanted);

/// Runs `act(0) .. act(count - 1)` on that many threads and fails with the first failure.
void at_once(Context& context, int count, const std::function<void(int)>& act);

/// Repeats `probe` until it is true; fails the case when that has not come within a minute. For states that a backend
/// reaches in its own time.
void wait_until(const Context& context, const std::function<bool()>& probe, std::string_view what,
                int source_line = __builtin_LINE());

}  // namespace berth::inline host_v1::conformance
