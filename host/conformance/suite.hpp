// The conformance suite: what docs/contract.md means, as cases that any provider must pass. One suite for all.
// A case knows the engine's public API and POSIX commands inside a sandbox; it never knows which provider it runs on.
// It is left out only when the provider does not declare the capability the case is about, and then says so.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../engine/host.hpp"

namespace berth::inline host_v1::conformance {

class Context;

/// One case. `needs` are methods and features without which it makes no sense.
struct Case {
    std::string_view domain;  ///< lifecycle, execute, stream, upload, download, usage, restart, parallel, ...
    std::string_view name;    ///< the behaviour, as a sentence
    void (*run)(Context&);
    std::vector<std::string_view> needs;
};

enum class Verdict { passed, failed, skipped };

struct CaseResult {
    std::string domain;
    std::string name;
    Verdict verdict = Verdict::passed;
    std::string reason;  ///< why it failed or was skipped
    std::string lacks;   ///< of a skipped one: what its provider does not declare; empty when it was another reason
};

struct Report {
    std::vector<CaseResult> results;
    [[nodiscard]] std::size_t count(Verdict verdict) const noexcept;
};

/// A variable that who runs the suite sets in this process, to anything, before its first thread: some cases look for it
/// in the sandbox and are skipped without it. They cannot set it themselves, for by then there are other threads.
inline constexpr const char* canary_variable = "BERTH_CONFORMANCE_CANARY";

/// Every case, in the order they run.
[[nodiscard]] std::span<const Case> all_cases();

/// What one run is made of.
struct RunOptions {
    std::string provider;                              ///< name in the Host's configuration
    std::string only;                                  ///< part of "domain: name"; empty: all
    std::function<void(const CaseResult&)> on_result;  ///< after each case
    std::optional<std::string> template_name = {};     ///< what every sandbox starts from that a case does not choose
};

/// Runs the cases one after the other against a provider of `host`. Never throws for a failing case. Leaves no sandbox.
[[nodiscard]] Report run_suite(Host& host, const RunOptions& options);

}  // namespace berth::inline host_v1::conformance
