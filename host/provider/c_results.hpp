// Sinks for results: what a plugin puts is checked, copied into C++ values, and kept until the method has returned.
// A late or hostile plugin gets a number back, never into the host. Knows no method table.
#pragma once

#include <berth/plugin.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "c_call.hpp"
#include "provider.hpp"

namespace berth::inline host_v1 {

/// What all infos of one call are held against.
struct InfoRules {
    std::string_view provider;
    std::optional<std::string_view> asked_id;         ///< the only id that may come back
    const std::set<std::string>* secret = nullptr;    ///< names masked beside those the plugin marks
    std::optional<std::string_view> idempotency_key;  ///< create: what must come back when a key comes back
};

/// A checked copy of what the plugin put. Throws Breach.
[[nodiscard]] SandboxInfo read_info(const berth_sandbox_info* info, const InfoRules& rules);
[[nodiscard]] ResourceUsage read_usage(const berth_usage* usage);

/// create, get, restart: the last one counts. `early` hears each.
class InfoSink {
public:
    InfoSink(CCall& call, InfoRules rules, Provider::InfoHandler early = {});
    [[nodiscard]] berth_info_sink* face() noexcept { return &face_; }
    [[nodiscard]] std::optional<SandboxInfo>& close();

private:
    static berth_status put(berth_info_sink* sink, const berth_sandbox_info* info) noexcept;
    CCall& call_;
    InfoRules rules_;
    Provider::InfoHandler early_;
    Door door_;
    std::optional<SandboxInfo> info_;
    berth_info_sink face_;
};

/// list: each one counts; by created_at, then id.
class InfoListSink {
public:
    InfoListSink(CCall& call, InfoRules rules);
    [[nodiscard]] berth_info_sink* face() noexcept { return &face_; }
    /// Records a breach when one sandbox came twice.
    [[nodiscard]] std::vector<SandboxInfo>& close();

private:
    static berth_status put(berth_info_sink* sink, const berth_sandbox_info* info) noexcept;
    CCall& call_;
    InfoRules rules_;
    Door door_;
    std::vector<SandboxInfo> infos_;
    berth_info_sink face_;
};

class UsageSink {
public:
    explicit UsageSink(CCall& call);
    [[nodiscard]] berth_usage_sink* face() noexcept { return &face_; }
    [[nodiscard]] std::optional<ResourceUsage>& close();

private:
    static berth_status put(berth_usage_sink* sink, const berth_usage* usage) noexcept;
    CCall& call_;
    Door door_;
    std::optional<ResourceUsage> usage_;
    berth_usage_sink face_;
};

/// Without a door: a yes or a no is one word, and taking it is all there is to do. One that is put against the rules, while the
/// method returns, counts or does not.
class ReadySink {
public:
    explicit ReadySink(CCall& call);
    [[nodiscard]] berth_ready_sink* face() noexcept { return &face_; }
    [[nodiscard]] std::optional<bool> close();

private:
    enum Said : int { nothing, no, yes, closed };
    static berth_status put(berth_ready_sink* sink, std::int32_t ready) noexcept;
    CCall& call_;
    std::atomic<int> said_{nothing};
    berth_ready_sink face_;
};

/// Environment variables, one put each.
class VariablesSink {
public:
    explicit VariablesSink(CCall& call);
    [[nodiscard]] berth_pairs_sink* face() noexcept { return &face_; }
    [[nodiscard]] Variables& close();

private:
    static berth_status put(berth_pairs_sink* sink, const berth_pair* pair) noexcept;
    CCall& call_;
    Door door_;
    ReadVariables variables_;
    std::uint64_t bytes_ = 0;
    berth_pairs_sink face_;
};

/// Bytes in order, handed on as they come.
class BytesSink {
public:
    BytesSink(CCall& call, Provider::BytesHandler handler);
    [[nodiscard]] berth_bytes_sink* face() noexcept { return &face_; }
    void close() noexcept { door_.close(); }

private:
    static berth_status write(berth_bytes_sink* sink, berth_bytes bytes) noexcept;
    CCall& call_;
    Provider::BytesHandler handler_;
    Door door_;
    berth_bytes_sink face_;
};

/// An id written as bytes: create_snapshot.
class IdSink {
public:
    explicit IdSink(CCall& call);
    [[nodiscard]] berth_bytes_sink* face() noexcept { return &face_; }
    /// Absent when nothing was written. Records a breach when it is no id.
    [[nodiscard]] std::optional<std::string> close();

private:
    static berth_status write(berth_bytes_sink* sink, berth_bytes bytes) noexcept;
    CCall& call_;
    Door door_;
    std::string id_;
    berth_bytes_sink face_;
};

/// describe: what of `manifest_features` this instance offers.
class FeatureSink {
public:
    FeatureSink(CCall& call, const std::vector<std::string>& manifest_features);
    [[nodiscard]] berth_feature_sink* face() noexcept { return &face_; }
    /// One for each feature of the manifest, in its order; those not put are withdrawn without a reason.
    [[nodiscard]] std::vector<FeatureState>& close();

private:
    static berth_status put(berth_feature_sink* sink, const berth_feature* feature) noexcept;
    CCall& call_;
    Door door_;
    std::vector<FeatureState> features_;
    std::vector<bool> described_;
    berth_feature_sink face_;
};

/// Snapshots, by created_at, then id.
class SnapshotSink {
public:
    SnapshotSink(CCall& call, std::string_view provider);
    [[nodiscard]] berth_snapshot_sink* face() noexcept { return &face_; }
    /// Records a breach when one snapshot came twice.
    [[nodiscard]] std::vector<SnapshotInfo>& close();

private:
    static berth_status put(berth_snapshot_sink* sink, const berth_snapshot_info* snapshot) noexcept;
    CCall& call_;
    std::string_view provider_;
    Door door_;
    std::vector<SnapshotInfo> snapshots_;
    berth_snapshot_sink face_;
};

}  // namespace berth::inline host_v1
