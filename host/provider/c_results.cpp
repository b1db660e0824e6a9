#include "c_results.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "../base/text.hpp"
#include "../service/admit.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

using namespace provider_diagnostics;

/// More than any account holds; a list that does not end must not fill the memory.
constexpr std::size_t longest_list = 100'000;

void refuse_more_than(std::size_t count, std::string_view what) {
    if (count < longest_list) return;
    throw Breach(malformed, "the plugin listed more than " + std::to_string(longest_list) + " " + std::string(what));
}

/// What a sink answers when everything was taken: the plugin shall hear that nobody waits any more.
berth_status taken(CCall& call) noexcept {
    return call.stopped() ? call.cancelled() : BERTH_OK;
}

/// A checked info in which no free text holds a secret.
SandboxInfo safe_info(const CCall& call, const berth_sandbox_info* incoming, const InfoRules& rules) {
    auto info = read_info(incoming, rules);
    info.error = call.safe(info.error);
    for (auto& fact : info.facts)
        fact.second = call.safe(fact.second);
    return info;
}

template <typename Info>
void sort_and_check(CCall& call, std::vector<Info>& infos, std::string_view what) {
    std::sort(infos.begin(), infos.end(), [](const Info& left, const Info& right) {
        return std::tie(left.created_at, left.id) < std::tie(right.created_at, right.id);
    });
    std::vector<std::string_view> ids;
    ids.reserve(infos.size());
    for (const auto& info : infos)
        ids.emplace_back(info.id);
    std::sort(ids.begin(), ids.end());
    const auto twice = std::adjacent_find(ids.begin(), ids.end());
    if (twice == ids.end()) return;
    (void)call.breach(
        Breach(listed_twice, "the plugin listed the " + std::string(what) + " \"" + std::string(*twice) + "\" twice"));
}

std::string_view bytes_of(berth_bytes bytes) {
    if (bytes.size == 0) return {};
    if (bytes.data == nullptr) throw Breach(malformed, "the plugin wrote bytes with a size without data");
    return {reinterpret_cast<const char*>(bytes.data), static_cast<std::size_t>(bytes.size)};
}

}  // namespace

// --- infos -----------------------------------------------------------------------------------------------------------

InfoSink::InfoSink(CCall& call, InfoRules rules, Provider::InfoHandler early)
    : call_(call), rules_(rules), early_(std::move(early)), face_{sizeof face_, 0, this, &put} {}

berth_status InfoSink::put(berth_info_sink* sink, const berth_sandbox_info* info) noexcept {
    auto& self = *static_cast<InfoSink*>(sink->host_data);
    return self.door_.enter(self.call_, [&] {
        // Taken even after a cancel: what the backend has named must be known, or nobody can clean it up.
        self.info_ = safe_info(self.call_, info, self.rules_);
        if (self.early_) self.early_(*self.info_);
        return taken(self.call_);
    });
}

std::optional<SandboxInfo>& InfoSink::close() {
    door_.close();
    return info_;
}

InfoListSink::InfoListSink(CCall& call, InfoRules rules)
    : call_(call), rules_(rules), face_{sizeof face_, 0, this, &put} {}

berth_status InfoListSink::put(berth_info_sink* sink, const berth_sandbox_info* info) noexcept {
    auto& self = *static_cast<InfoListSink*>(sink->host_data);
    return self.door_.enter(self.call_, [&] {
        refuse_more_than(self.infos_.size(), "sandboxes");
        self.infos_.push_back(safe_info(self.call_, info, self.rules_));
        return taken(self.call_);
    });
}

std::vector<SandboxInfo>& InfoListSink::close() {
    door_.close();
    sort_and_check(call_, infos_, "sandbox");
    return infos_;
}

// --- single values ---------------------------------------------------------------------------------------------------

UsageSink::UsageSink(CCall& call) : call_(call), face_{sizeof face_, 0, this, &put} {}

berth_status UsageSink::put(berth_usage_sink* sink, const berth_usage* usage) noexcept {
    auto& self = *static_cast<UsageSink*>(sink->host_data);
    return self.door_.enter(self.call_, [&] {
        self.usage_ = read_usage(usage);
        return taken(self.call_);
    });
}

std::optional<ResourceUsage>& UsageSink::close() {
    door_.close();
    return usage_;
}

ReadySink::ReadySink(CCall& call) : call_(call), face_{sizeof face_, 0, this, &put} {}

berth_status ReadySink::put(berth_ready_sink* sink, std::int32_t ready) noexcept {
    auto& self = *static_cast<ReadySink*>(sink->host_data);
    if (self.said_.load(std::memory_order_relaxed) == closed) return BERTH_CONTRACT;
    if (const auto state = self.call_.host_state(); state != BERTH_OK) return state;
    return self.call_.guard([&]() -> berth_status {
        if (ready != 0 && ready != 1) {
            throw Breach(malformed, "the plugin answered is_ready with " + std::to_string(ready) + ", not 0 or 1");
        }
        self.said_.store(ready == 1 ? yes : no, std::memory_order_relaxed);
        return taken(self.call_);
    });
}

std::optional<bool> ReadySink::close() {
    const auto said = said_.load(std::memory_order_relaxed);
    said_.store(closed, std::memory_order_relaxed);
    return said == yes || said == no ? std::optional(said == yes) : std::nullopt;
}

VariablesSink::VariablesSink(CCall& call) : call_(call), face_{sizeof face_, 0, this, &put} {}

berth_status VariablesSink::put(berth_pairs_sink* sink, const berth_pair* pair) noexcept {
    auto& self = *static_cast<VariablesSink*>(sink->host_data);
    return self.door_.enter(self.call_, [&] {
        if (pair == nullptr) throw Breach(malformed, "the plugin put no variable");
        read_variable(*pair, "variable", self.variables_);
        self.bytes_ += pair->name.size + pair->value.size;
        if (self.bytes_ > ReadLimits::pair_bytes)
            throw Breach(malformed, "the plugin put more than 8 MiB of variables");
        return taken(self.call_);
    });
}

Variables& VariablesSink::close() {
    door_.close();
    return variables_.values;
}

// --- bytes -----------------------------------------------------------------------------------------------------------

BytesSink::BytesSink(CCall& call, Provider::BytesHandler handler)
    : call_(call), handler_(std::move(handler)), face_{sizeof face_, 0, this, &write} {}

berth_status BytesSink::write(berth_bytes_sink* sink, berth_bytes bytes) noexcept {
    auto& self = *static_cast<BytesSink*>(sink->host_data);
    return self.door_.enter(self.call_, [&]() -> berth_status {
        if (self.call_.stopped()) return self.call_.cancelled();
        if (const auto view = bytes_of(bytes); !view.empty()) self.handler_(view);
        return BERTH_OK;
    });
}

IdSink::IdSink(CCall& call) : call_(call), face_{sizeof face_, 0, this, &write} {}

berth_status IdSink::write(berth_bytes_sink* sink, berth_bytes bytes) noexcept {
    auto& self = *static_cast<IdSink*>(sink->host_data);
    return self.door_.enter(self.call_, [&] {
        const auto view = bytes_of(bytes);
        if (self.id_.size() + view.size() > ReadLimits::name) {
            throw Breach(wrong_id,
                         "the plugin wrote a snapshot id of more than " + std::to_string(ReadLimits::name) + " bytes");
        }
        self.id_ += view;
        return taken(self.call_);
    });
}

std::optional<std::string> IdSink::close() {
    door_.close();
    if (id_.empty()) return std::nullopt;
    (void)call_.guard([this] {
        (void)read_id({id_.data(), id_.size()}, "snapshot id");
        return BERTH_OK;
    });
    return std::move(id_);
}

// --- features and snapshots ------------------------------------------------------------------------------------------

FeatureSink::FeatureSink(CCall& call, const std::vector<std::string>& manifest_features)
    : call_(call), described_(manifest_features.size(), false), face_{sizeof face_, 0, this, &put} {
    for (const auto& name : manifest_features)
        features_.push_back({name, false, {}});
}

berth_status FeatureSink::put(berth_feature_sink* sink, const berth_feature* incoming) noexcept {
    auto& self = *static_cast<FeatureSink*>(sink->host_data);
    return self.door_.enter(self.call_, [&] {
        const auto full = admit(incoming);
        if (!full) throw Breach(malformed, "the plugin gave a feature that is missing or too short");
        const auto name = read_text(full->name, "name of a feature", ReadLimits::name);
        const auto feature = std::find_if(self.features_.begin(), self.features_.end(),
                                          [&name](const FeatureState& state) { return state.name == name; });
        if (feature == self.features_.end()) {
            throw Breach(wrong_feature, "the plugin describes the feature " + berth::quoted(name) +
                                            ", which its manifest does not name");
        }
        const auto index = static_cast<std::size_t>(feature - self.features_.begin());
        if (self.described_[index]) {
            throw Breach(wrong_feature, "the plugin describes the feature " + berth::quoted(name) + " twice");
        }
        self.described_[index] = true;
        feature->offered = full->reason.data == nullptr;
        feature->reason =
            bearable(self.call_.safe(read_bytes(full->reason, "reason", ReadLimits::text)), ReadLimits::name);
        return BERTH_OK;
    });
}

std::vector<FeatureState>& FeatureSink::close() {
    door_.close();
    return features_;
}

SnapshotSink::SnapshotSink(CCall& call, std::string_view provider)
    : call_(call), provider_(provider), face_{sizeof face_, 0, this, &put} {}

berth_status SnapshotSink::put(berth_snapshot_sink* sink, const berth_snapshot_info* incoming) noexcept {
    auto& self = *static_cast<SnapshotSink*>(sink->host_data);
    return self.door_.enter(self.call_, [&] {
        refuse_more_than(self.snapshots_.size(), "snapshots");
        const auto full = admit(incoming);
        if (!full) throw Breach(malformed, "the plugin gave a snapshot that is missing or too short");
        SnapshotInfo info;
        info.provider = self.provider_;
        info.id = read_id(full->id, "snapshot id");
        info.name = read_shown_text(full->name, "name of a snapshot", ReadLimits::name);
        if (full->sandbox_id.size != 0) info.sandbox_id = read_id(full->sandbox_id, "sandbox id of a snapshot");
        info.created_at = read_moment(full->created_at_ms, "time of a snapshot");
        info.size_bytes = read(full->size_bytes);
        info.expires_at = read_moment(full->expires_at_ms, "time of expiry");
        self.snapshots_.push_back(std::move(info));
        return taken(self.call_);
    });
}

std::vector<SnapshotInfo>& SnapshotSink::close() {
    door_.close();
    sort_and_check(call_, snapshots_, "snapshot");
    return snapshots_;
}

}  // namespace berth::inline host_v1
