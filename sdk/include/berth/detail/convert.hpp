// From the face's own values to the contract's structs. Each result is a set of views on the value it was made from,
// so it lives on the stack of the one call that hands it to a sink. Knows no method.
#ifndef BERTH_DETAIL_CONVERT_HPP
#define BERTH_DETAIL_CONVERT_HPP

#include "../error.hpp"

namespace berth::inline sdk_v1::detail {

/// Present, also when empty: the contract tells absent from empty by the pointer alone.
inline berth_str text(std::string_view value) {
    return {value.data() == nullptr ? "" : value.data(), value.size()};
}
inline berth_bytes bytes(std::string_view value) {
    return {reinterpret_cast<const std::uint8_t*>(value.data() == nullptr ? "" : value.data()), value.size()};
}
inline berth_str text_if(const std::optional<std::string>& value) {
    return value ? text(*value) : berth_str{};
}
inline berth_opt_i64 number_if(const std::optional<std::int64_t>& value) {
    return value ? berth_opt_i64{*value, 1} : berth_opt_i64{};
}
inline berth_opt_u64 number_if(const std::optional<std::uint64_t>& value) {
    return value ? berth_opt_u64{*value, 1} : berth_opt_u64{};
}
inline berth_opt_f64 number_if(const std::optional<double>& value) {
    return value ? berth_opt_f64{*value, 1} : berth_opt_f64{};
}
inline berth_opt_i64 number_if(const std::optional<Duration>& value) {
    return value ? berth_opt_i64{value->count(), 1} : berth_opt_i64{};
}
inline berth_opt_i64 number_if(const std::optional<Time>& value) {
    return value ? berth_opt_i64{value->time_since_epoch().count(), 1} : berth_opt_i64{};
}

inline berth_pair pair(const Variable& item) {
    return {text(item.name), text(item.value), item.secret ? std::uint64_t{BERTH_PAIR_SECRET} : 0};
}

/// A struct of the contract with its `size` filled in and everything else zero.
template <class T>
T sized() {
    T value{};
    value.size = sizeof(T);
    return value;
}

/// The contract's list of pairs, over Variables that outlive it.
class PairList {
public:
    explicit PairList(const Variables& from) {
        items_.reserve(from.size());
        for (const Variable& item : from)
            items_.push_back(pair(item));
    }
    berth_pairs raw() const {
        static constexpr berth_pair nothing{};
        return {items_.empty() ? &nothing : items_.data(), items_.size()};
    }

private:
    std::vector<berth_pair> items_;
};

inline berth_usage raw(const Usage& from) {
    berth_usage to = sized<berth_usage>();
    to.cpu_percent = number_if(from.cpu_percent);
    to.memory_bytes = number_if(from.memory_bytes);
    to.disk_bytes = number_if(from.disk_bytes);
    to.network_received_bytes = number_if(from.network_received_bytes);
    to.network_sent_bytes = number_if(from.network_sent_bytes);
    to.process_count = number_if(from.process_count);
    to.memory_limit_bytes = number_if(from.memory_limit_bytes);
    to.cpu_limit_percent = number_if(from.cpu_limit_percent);
    to.disk_limit_bytes = number_if(from.disk_limit_bytes);
    to.sampled_at_ms = number_if(from.sampled_at);
    return to;
}

/// A berth_sandbox_info together with everything it points at. Neither copied nor moved: it points into itself.
class RawInfo {
public:
    explicit RawInfo(const SandboxInfo& from) : env_(from.environment.env), labels_(from.labels), facts_(from.facts) {
        environment_.env = env_.raw();
        environment_.cwd = text_if(from.environment.cwd);
        environment_.timeout_ms = number_if(from.environment.timeout);
        environment_.memory_limit_mib = number_if(from.environment.memory_limit_mib);
        environment_.cpu_limit = number_if(from.environment.cpu_limit);
        if (from.usage) usage_ = raw(*from.usage);
        info_.flags = from.persistent ? std::uint32_t{BERTH_SANDBOX_PERSISTENT} : 0;
        info_.id = text(from.id);
        info_.state = static_cast<std::int32_t>(from.state);
        info_.network = static_cast<std::int32_t>(from.network);
        info_.created_at_ms = from.created_at.time_since_epoch().count();
        info_.last_used_at_ms = number_if(from.last_used_at);
        info_.expires_at_ms = number_if(from.expires_at);
        info_.environment = &environment_;
        info_.usage = from.usage ? &usage_ : nullptr;
        info_.idempotency_key = text(from.idempotency_key);
        info_.name = text_if(from.name);
        info_.template_name = text_if(from.template_name);
        info_.error_text = text_if(from.error_text);
        info_.backend_id = text_if(from.backend_id);
        info_.labels = labels_.raw();
        info_.facts = facts_.raw();
    }
    RawInfo(const RawInfo&) = delete;
    RawInfo& operator=(const RawInfo&) = delete;
    const berth_sandbox_info* get() const { return &info_; }

private:
    PairList env_;
    PairList labels_;
    PairList facts_;
    berth_environment environment_ = sized<berth_environment>();
    berth_usage usage_ = sized<berth_usage>();
    berth_sandbox_info info_ = sized<berth_sandbox_info>();
};

inline berth_snapshot_info raw(const SnapshotInfo& from) {
    berth_snapshot_info to = sized<berth_snapshot_info>();
    to.id = text(from.id);
    to.name = text(from.name);
    to.sandbox_id = text_if(from.sandbox_id);
    to.created_at_ms = from.created_at.time_since_epoch().count();
    to.size_bytes = number_if(from.size_bytes);
    to.expires_at_ms = number_if(from.expires_at);
    return to;
}

inline berth_process_end raw(const ProcessEnd& from) {
    berth_process_end to = sized<berth_process_end>();
    to.kind = static_cast<std::int32_t>(from.kind);
    to.exit_code = from.exit_code;
    to.signal = from.signal;
    to.duration_ms = number_if(from.duration);
    return to;
}

}  // namespace berth::inline sdk_v1::detail

#endif
