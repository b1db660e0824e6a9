// The host's small durable key-value store, one for each provider: for what must outlive the instance and that the
// backend cannot keep. Safe with several hosts at once by revisions.
#ifndef BERTH_STATE_HPP
#define BERTH_STATE_HPP

#include "host.hpp"

namespace berth::inline sdk_v1 {

/// A stored value and the revision it has.
struct StoredValue {
    std::string value;
    std::uint64_t revision;
};

/// Keys are 1-256 bytes, values at most 1 MiB. [any thread]
class StateStore {
public:
    explicit StateStore(const berth_host* host) : host_(host) {}

    std::optional<StoredValue> get(Call& call, std::string_view key) const {
        detail::Collector collector;
        std::uint64_t revision = 0;
        const berth_status status = service().get(host_, call.raw(), detail::text(key), &collector, &revision);
        if (status == BERTH_END) return std::nullopt;
        if (status != BERTH_OK) throw Error::recorded_by_host(status, "the stored state could not be read");
        return StoredValue{std::move(collector.text), revision};
    }
    /// Stores when the stored revision is still `expected` (0 = there must be none yet). Gives the new revision, absent
    /// when somebody was faster.
    std::optional<std::uint64_t> put(Call& call, std::string_view key, std::string_view value,
                                     std::uint64_t expected) const {
        std::uint64_t revision = 0;
        const berth_status status =
            service().put(host_, call.raw(), detail::text(key), detail::bytes(value), expected, &revision);
        if (status == BERTH_CONFLICT) return std::nullopt;
        if (status != BERTH_OK) throw Error::recorded_by_host(status, "the state could not be stored");
        return revision;
    }
    /// False when somebody changed it meanwhile.
    bool remove(Call& call, std::string_view key, std::uint64_t expected) const {
        const berth_status status = service().remove(host_, call.raw(), detail::text(key), expected);
        if (status == BERTH_CONFLICT) return false;
        if (status != BERTH_OK && status != BERTH_END)
            throw Error::recorded_by_host(status, "the stored state could not be removed");
        return true;
    }
    /// Every key that begins with `prefix`.
    std::vector<std::string> keys(Call& call, std::string_view prefix) const {
        KeySink sink;
        const berth_status status = service().list(host_, call.raw(), detail::text(prefix), &sink);
        if (status != BERTH_OK) throw Error::recorded_by_host(status, "the stored state could not be listed");
        return std::move(sink.keys);
    }
    /// Reads, lets `change(std::optional<std::string>)` say the new value, and stores; again when somebody was faster.
    template <class Change>
    void update(Call& call, std::string_view key, Change&& change) const {
        for (;;) {
            std::optional<StoredValue> stored = get(call, key);
            const std::uint64_t revision = stored ? stored->revision : 0;
            std::optional<std::string> before;
            if (stored) before = std::move(stored->value);
            const std::string after = change(std::move(before));
            if (put(call, key, after, revision)) return;
            call.throw_if_cancelled();
        }
    }

private:
    struct KeySink : berth_pairs_sink {
        KeySink() : berth_pairs_sink{sizeof(berth_pairs_sink), 0, nullptr, &KeySink::take} {}
        std::vector<std::string> keys;

        static berth_status take(berth_pairs_sink* sink, const berth_pair* pair) noexcept {
            try {
                static_cast<KeySink*>(sink)->keys.emplace_back(detail::view(pair->name));
                return BERTH_OK;
            } catch (...) {
                return BERTH_RESOURCE_EXHAUSTED;
            }
        }
    };

    const berth_state& service() const {
        if (host_->state == nullptr) throw Error(Code::unsupported, "this host offers no state store");
        return *host_->state;
    }
    const berth_host* host_;
};

inline StateStore Host::state() const {
    return StateStore{raw_};
}

}  // namespace berth::inline sdk_v1

#endif
