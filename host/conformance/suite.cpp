#include "suite.hpp"

#include <algorithm>

#include "cases.hpp"
#include "context.hpp"

namespace berth::inline host_v1::conformance {

std::size_t Report::count(Verdict verdict) const noexcept {
    return static_cast<std::size_t>(std::count_if(
        results.begin(), results.end(), [verdict](const CaseResult& result) { return result.verdict == verdict; }));
}

std::span<const Case> all_cases() {
    static const std::vector<Case> cases = [] {
        std::vector<Case> all;
        for (const auto& part :
             {lifecycle_cases(), lifetime_cases(), execute_cases(), limits_cases(), resource_limit_cases(),
              stream_cases(), terminal_cases(), upload_cases(), download_cases(), usage_cases(), restart_cases(),
              parallel_cases(), snapshot_cases(), log_cases(), environment_cases(), isolation_cases()}) {
            all.insert(all.end(), part.begin(), part.end());
        }
        return all;
    }();
    return cases;
}

namespace {

CaseResult run_case(Context& context, const Case& one) {
    CaseResult result{std::string(one.domain), std::string(one.name), Verdict::passed, {}, {}};
    for (const auto need : one.needs) {
        if (context.offers(need)) continue;
        result.verdict = Verdict::skipped;
        result.reason = "the provider does not offer " + std::string(need);
        result.lacks = need;
        return result;
    }
    try {
        one.run(context);
    } catch (const Skipped& skipped) {
        result.verdict = Verdict::skipped;
        result.reason = skipped.what();
    } catch (const std::exception& failure) {
        result.verdict = Verdict::failed;
        result.reason = failure.what();
    }
    context.clean_up();
    return result;
}

/// The suite's own last case: what it made is gone again.
CaseResult leftovers(Host& host, const std::string& provider, const std::vector<std::string>& before) {
    CaseResult result{"lifecycle", "the suite leaves no sandbox behind", Verdict::passed, {}, {}};
    try {
        for (const auto& info : host.list(provider, Context::bounded()).sandboxes) {
            if (std::find(before.begin(), before.end(), info.id) == before.end())
                result.reason += info.full_name() + " ";
        }
    } catch (const Error& error) {
        result.reason = error.what();
    }
    if (!result.reason.empty()) result.verdict = Verdict::failed;
    return result;
}

}  // namespace

Report run_suite(Host& host, const RunOptions& options) {
    Report report;
    const auto keep = [&](CaseResult result) {
        if (options.on_result) options.on_result(result);
        report.results.push_back(std::move(result));
    };
    std::vector<std::string> before;
    try {
        for (const auto& info : host.list(options.provider, Context::bounded()).sandboxes)
            before.push_back(info.id);
        Context context(host, options.provider);
        for (const auto& one : all_cases()) {
            const auto full_name = std::string(one.domain) + ": " + std::string(one.name);
            if (full_name.find(options.only) != std::string::npos) keep(run_case(context, one));
        }
    } catch (const std::exception& failure) {
        keep({"lifecycle", "the provider opens and lists", Verdict::failed, failure.what(), {}});
        return report;
    }
    keep(leftovers(host, options.provider, before));
    return report;
}

}  // namespace berth::inline host_v1::conformance
