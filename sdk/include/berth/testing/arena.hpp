// Memory for what a plugin is lent during one call: when the call is over it is overwritten, and stays allocated, so
// that a view which is used too late shows itself (rule M1). Also the sizes of version 1.0 of what a host passes.
#ifndef BERTH_TESTING_ARENA_HPP
#define BERTH_TESTING_ARENA_HPP

#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "../detail/convert.hpp"
#include "../plugin.h"
#include "interruption.hpp"

namespace berth::inline sdk_v1::testing {

/// The byte that dead memory is filled with.
inline constexpr char dead_byte = '\xdd';

/// True when `bytes` hold a stretch of dead memory.
inline bool is_dead(std::string_view bytes) {
    return bytes.find(std::string(8, dead_byte)) != std::string_view::npos;
}

/// Lends copies to a plugin. Texts are padded, so that a dead one is long enough to be known again.
class Arena {
public:
    berth_str text(std::string_view from) {
        const Block& block = add(from.data(), from.size());
        return {block.data(), from.size()};
    }
    berth_str text_if(const std::optional<std::string>& from) { return from ? text(*from) : berth_str{}; }
    berth_bytes bytes(std::string_view from) {
        const berth_str copy = text(from);
        return {reinterpret_cast<const std::uint8_t*>(copy.data), copy.size};
    }
    berth_strs texts(const std::vector<std::string>& from) {
        std::vector<berth_str> items;
        for (const std::string& item : from)
            items.push_back(text(item));
        return {array(items), items.size()};
    }
    berth_pairs pairs(const Variables& from) {
        std::vector<berth_pair> items;
        for (const Variable& item : from)
            items.push_back({text(item.name), text(item.value), item.secret ? std::uint64_t{BERTH_PAIR_SECRET} : 0});
        return {array(items), items.size()};
    }
    /// A struct of the contract.
    template <class T>
    const T* put(const T& from) {
        return array(std::vector<T>{from});
    }
    /// Everything lent so far is dead from now on.
    void die() {
        for (Block& block : blocks_)
            std::memset(block.data(), dead_byte, block.size());
    }

private:
    using Block = std::vector<char>;

    Block& add(const void* from, std::size_t size) {
        Block& block = blocks_.emplace_back(size + 16);
        if (size != 0) std::memcpy(block.data(), from, size);
        return block;
    }
    template <class T>
    const T* array(const std::vector<T>& items) {
        // operator new aligns for every type of the contract.
        return reinterpret_cast<const T*>(static_cast<const void*>(add(items.data(), items.size() * sizeof(T)).data()));
    }

    std::deque<Block> blocks_;
};

namespace detail {

using namespace ::berth::detail;

// The last member that version 1.0 has: its end is the size that every host promises.
inline constexpr std::uint32_t size_of_10(const berth_call*) {
    return offsetof(berth_call, progress) + 8;
}
inline constexpr std::uint32_t size_of_10(const berth_info_sink*) {
    return offsetof(berth_info_sink, put) + 8;
}
inline constexpr std::uint32_t size_of_10(const berth_usage_sink*) {
    return offsetof(berth_usage_sink, put) + 8;
}
inline constexpr std::uint32_t size_of_10(const berth_ready_sink*) {
    return offsetof(berth_ready_sink, put) + 8;
}
inline constexpr std::uint32_t size_of_10(const berth_pairs_sink*) {
    return offsetof(berth_pairs_sink, put) + 8;
}
inline constexpr std::uint32_t size_of_10(const berth_bytes_sink*) {
    return offsetof(berth_bytes_sink, write) + 8;
}
inline constexpr std::uint32_t size_of_10(const berth_feature_sink*) {
    return offsetof(berth_feature_sink, put) + 8;
}
inline constexpr std::uint32_t size_of_10(const berth_snapshot_sink*) {
    return offsetof(berth_snapshot_sink, put) + 8;
}
inline constexpr std::uint32_t size_of_10(const berth_process_sink*) {
    return offsetof(berth_process_sink, ended) + 8;
}
inline constexpr std::uint32_t size_of_10(const berth_file_source*) {
    return offsetof(berth_file_source, done) + 8;
}
inline constexpr std::uint32_t size_of_10(const berth_file_sink*) {
    return offsetof(berth_file_sink, skip) + 8;
}
inline constexpr std::uint32_t size_of_10(const berth_environment*) {
    return offsetof(berth_environment, cpu_limit) + sizeof(berth_opt_f64);
}
inline constexpr std::uint32_t size_of_10(const berth_sandbox_config*) {
    return offsetof(berth_sandbox_config, extra) + sizeof(berth_pairs);
}
inline constexpr std::uint32_t size_of_10(const berth_process*) {
    return offsetof(berth_process, extra) + sizeof(berth_pairs);
}
inline constexpr std::uint32_t size_of_10(const berth_log_options*) {
    return offsetof(berth_log_options, since_ms) + sizeof(berth_opt_i64);
}
inline constexpr std::uint32_t size_of_10(const berth_host*) {
    return offsetof(berth_host, websocket) + 8;
}

/// What `size` of a T says on a host of this age.
template <class T>
std::uint32_t claimed_size(ContractSize size) {
    switch (size) {
        case ContractSize::first:
            return size_of_10(static_cast<const T*>(nullptr));
        case ContractSize::newer:
            return sizeof(T) + 64;
        default:
            return sizeof(T);
    }
}
/// Sets `size`, and makes what the claimed size does not cover unreadable as anything sensible.
template <class T>
void claim(T& value, ContractSize size) {
    value.size = claimed_size<T>(size);
    if (value.size < sizeof(T))
        std::memset(reinterpret_cast<char*>(&value) + value.size, dead_byte, sizeof(T) - value.size);
}

}  // namespace detail
}  // namespace berth::inline sdk_v1::testing

#endif
