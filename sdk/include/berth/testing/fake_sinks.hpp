// The sinks of the fake host: they copy what they are given, check it against the contract, and answer as a host may.
#ifndef BERTH_TESTING_FAKE_SINKS_HPP
#define BERTH_TESTING_FAKE_SINKS_HPP

#include <algorithm>

#include "fake_call.hpp"
#include "requests.hpp"

namespace berth::inline sdk_v1::testing {

namespace detail {

inline EnvironmentValues copy(const berth_environment& from) {
    return EnvironmentValues{Environment{from}};
}

inline Usage copy(const berth_usage& from) {
    return {given(from.cpu_percent),        given(from.memory_bytes),
            given(from.disk_bytes),         given(from.network_received_bytes),
            given(from.network_sent_bytes), given(from.process_count),
            given(from.memory_limit_bytes), given(from.cpu_limit_percent),
            given(from.disk_limit_bytes),   given_time(from.sampled_at_ms)};
}

inline SandboxInfo copy(const berth_sandbox_info& from) {
    const auto owned = [](berth_str text) {
        const auto value = given(text);
        return value ? std::optional<std::string>{*value} : std::nullopt;
    };
    SandboxInfo to;
    to.id = view(from.id);
    to.state = static_cast<SandboxState>(from.state);
    to.created_at = Time{Duration{from.created_at_ms}};
    to.last_used_at = given_time(from.last_used_at_ms);
    to.expires_at = given_time(from.expires_at_ms);
    if (from.environment != nullptr) to.environment = copy(*from.environment);
    to.network = static_cast<Network>(from.network);
    to.persistent = (from.flags & BERTH_SANDBOX_PERSISTENT) != 0;
    if (from.usage != nullptr) to.usage = copy(*from.usage);
    to.idempotency_key = view(from.idempotency_key);
    to.name = owned(from.name);
    to.template_name = owned(from.template_name);
    to.error_text = owned(from.error_text);
    to.backend_id = owned(from.backend_id);
    to.labels = Variables{Pairs{from.labels}};
    to.facts = Variables{Pairs{from.facts}};
    return to;
}

inline SnapshotInfo copy(const berth_snapshot_info& from) {
    SnapshotInfo to;
    to.id = view(from.id);
    to.name = view(from.name);
    if (const auto id = given(from.sandbox_id)) to.sandbox_id = *id;
    to.created_at = Time{Duration{from.created_at_ms}};
    to.size_bytes = given(from.size_bytes);
    to.expires_at = given_time(from.expires_at_ms);
    return to;
}

inline bool is_id(std::string_view id) {
    if (id.empty() || id.size() > 128 || id == "." || id == "..") return false;
    for (char c : id)
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
              c == '-'))
            return false;
    return true;
}

}  // namespace detail

/// What every sink of a call does before it looks at what it was given.
template <class Raw>
class FakeSink : public Raw {
public:
    explicit FakeSink(FakeCall& call) : Raw{}, call_(call) {
        testing::detail::claim(static_cast<Raw&>(*this), call.shared().size);
        Raw::host_data = this;
    }
    FakeSink(const FakeSink&) = delete;
    FakeSink& operator=(const FakeSink&) = delete;

protected:
    /// What to answer to something that was well-formed: nothing is taken unless it is OK.
    berth_status answer() {
        if (call_.stopped()) return call_.host_stops();
        // Of a single result nobody can have enough.
        static constexpr std::string_view plural[] = {"list", "list_snapshots", "get_logs", "execute",
                                                      "execute_stream"};
        const bool many = std::find(std::begin(plural), std::end(plural), call_.method()) != std::end(plural);
        if (many && call_.shared().plan.strikes(Interruption::enough)) enough_ = true;
        return enough_ ? BERTH_ENOUGH : BERTH_OK;
    }
    FakeCall& call_;
    bool enough_ = false;
};

class FakeInfoSink : public FakeSink<berth_info_sink> {
public:
    explicit FakeInfoSink(FakeCall& call) : FakeSink(call) {
        put = [](berth_info_sink* raw, const berth_sandbox_info* info) noexcept {
            return static_cast<FakeInfoSink*>(raw)->take(*info);
        };
    }
    std::vector<SandboxInfo> taken;

private:
    berth_status take(const berth_sandbox_info& info) {
        const FakeCall::Use use{call_, "put of a sandbox"};
        if (info.environment == nullptr) call_.broken("data", "a sandbox was put without an environment");
        if (info.state < BERTH_STATE_INITIALIZING || info.state > BERTH_STATE_ERROR)
            call_.broken("V3", "a sandbox was put with the state " + std::to_string(info.state));
        if (info.created_at_ms <= 0) call_.broken("data", "a sandbox was put without the moment of its creation");
        SandboxInfo copy = detail::copy(info);
        call_.check_text(copy.id, "the id of a sandbox");
        call_.check_text(copy.idempotency_key, "an idempotency key");
        if (copy.name) call_.check_text(*copy.name, "the name of a sandbox");
        if (copy.environment.cwd) call_.check_text(*copy.environment.cwd, "a working directory");
        for (const Variables* list : {&copy.environment.env, &copy.labels, &copy.facts})
            for (const Variable& item : *list)
                call_.check_text(item.value, "the value of a pair");
        if (!detail::is_id(copy.id)) call_.broken("data", "a sandbox was put with a malformed id");
        const berth_status status = answer();
        if (status == BERTH_OK) taken.push_back(std::move(copy));
        return status;
    }
};

/// For results that are copied and not looked at further: usage, readiness, pairs, features, snapshots.
template <class Raw, class Given, class Kept>
class FakeListSink : public FakeSink<Raw> {
public:
    explicit FakeListSink(FakeCall& call) : FakeSink<Raw>(call) {
        Raw::put = [](Raw* raw, Given given) noexcept { return static_cast<FakeListSink*>(raw)->take(given); };
    }
    std::vector<Kept> taken;

private:
    berth_status take(Given given) {
        const FakeCall::Use use{this->call_, "put of a result"};
        const berth_status status = this->answer();
        if (status == BERTH_OK) taken.push_back(keep(given));
        return status;
    }
    static Usage keep(const berth_usage* usage) { return detail::copy(*usage); }
    static SnapshotInfo keep(const berth_snapshot_info* snapshot) { return detail::copy(*snapshot); }
    static std::int32_t keep(std::int32_t ready) { return ready; }
    static Variable keep(const berth_pair* pair) {
        const Pair item = ::berth::detail::element(*pair);
        return {std::string{item.name}, std::string{item.value}, item.secret};
    }
    /// A feature is kept as its name and the reason why it was withdrawn, if it was.
    static std::pair<std::string, std::optional<std::string>> keep(const berth_feature* feature) {
        const auto reason = detail::given(feature->reason);
        return {std::string{detail::view(feature->name)}, reason ? std::optional<std::string>{*reason} : std::nullopt};
    }
};

using FakeUsageSink = FakeListSink<berth_usage_sink, const berth_usage*, Usage>;
using FakeReadySink = FakeListSink<berth_ready_sink, std::int32_t, std::int32_t>;
using FakePairsSink = FakeListSink<berth_pairs_sink, const berth_pair*, Variable>;
using FakeSnapshotSink = FakeListSink<berth_snapshot_sink, const berth_snapshot_info*, SnapshotInfo>;
using FakeFeatureSink =
    FakeListSink<berth_feature_sink, const berth_feature*, std::pair<std::string, std::optional<std::string>>>;

class FakeBytesSink : public FakeSink<berth_bytes_sink> {
public:
    explicit FakeBytesSink(FakeCall& call, std::function<void(FakeCall&, std::string_view)> on_bytes = {})
        : FakeSink(call), on_bytes_(std::move(on_bytes)) {
        write = [](berth_bytes_sink* raw, berth_bytes bytes) noexcept {
            return static_cast<FakeBytesSink*>(raw)->take(::berth::detail::view(bytes));
        };
    }
    std::string taken;

private:
    berth_status take(std::string_view bytes) {
        const FakeCall::Use use{call_, "write of bytes"};
        if (on_bytes_) on_bytes_(call_, bytes);
        call_.check_text(bytes, "bytes of a result");
        const berth_status status = answer();
        if (status == BERTH_OK) taken.append(bytes);
        return status;
    }
    std::function<void(FakeCall&, std::string_view)> on_bytes_;
};

}  // namespace berth::inline sdk_v1::testing

#endif
