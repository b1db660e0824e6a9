// Values of the contract as bytes between a host and its worker. Both ends are of one build, so there are no versions;
// but the other end may be a hostile plugin's process: what is read is bounds-checked before anything is allocated.
// Absent and empty stay different. Knows no socket.
#pragma once

#include <berth/plugin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "fields.hpp"

namespace berth::inline host_v1::wire {

/// The other end broke the protocol. Nothing more can be believed of it.
class Malformed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Longer views are cut: above every limit that the host sets for what it reads from a plugin, so that it is refused there
/// with the same words as in this process.
inline constexpr std::uint64_t longest_view = std::uint64_t{64} << 20U;
inline constexpr std::uint64_t most_items = 20'000;

/// What it wrote lies in itself as long as it is short, as nearly everything is: no allocation then.
class Encoder {
public:
    Encoder() = default;
    Encoder(Encoder&& other) noexcept { *this = std::move(other); }
    Encoder& operator=(Encoder&& other) noexcept {
        more_ = std::move(other.more_);
        size_ = std::exchange(other.size_, 0);
        if (more_.empty()) std::copy_n(other.first_.data(), size_, first_.data());
        return *this;
    }
    Encoder(const Encoder&) = delete;
    Encoder& operator=(const Encoder&) = delete;
    ~Encoder() = default;

    template <typename T>
    requires(std::is_arithmetic_v<T>) Encoder& put(T number) {
        append(reinterpret_cast<const char*>(&number), sizeof number);
        return *this;
    }
    Encoder& put(berth_str view) { return put_view(view.data, view.size); }
    Encoder& put(berth_bytes view) { return put_view(reinterpret_cast<const char*>(view.data), view.size); }
    Encoder& put(std::string_view text) { return put_view(text.data() == nullptr ? "" : text.data(), text.size()); }
    Encoder& put(berth_pair pair) { return put(pair.name).put(pair.value).put(pair.flags); }
    Encoder& put(berth_strs list) { return put_list(list.data, list.count); }
    Encoder& put(berth_pairs list) { return put_list(list.data, list.count); }
    Encoder& put(berth_opt_i64 number) { return put(number.value).put(number.present); }
    Encoder& put(berth_opt_u64 number) { return put(number.value).put(number.present); }
    Encoder& put(berth_opt_f64 number) { return put(number.value).put(number.present); }
    /// A struct that grows, of this build's full size, or nothing.
    template <typename T>
    requires(is_listed<T>) Encoder& put(const T* value) {
        put(static_cast<std::uint8_t>(value != nullptr ? 1 : 0));
        if (value != nullptr) std::apply([&](auto... members) { (put(value->*members), ...); }, fields<T>);
        return *this;
    }

    [[nodiscard]] std::string_view bytes() const noexcept {
        return {more_.empty() ? first_.data() : more_.data(), size_};
    }

private:
    void append(const char* data, std::size_t size) {
        if (more_.empty() && size <= first_.size() - size_) {
            std::copy_n(data, size, first_.data() + size_);
        } else {
            if (more_.empty()) more_.assign(first_.data(), size_);
            more_.append(data, size);
        }
        size_ += size;
    }
    Encoder& put_view(const char* data, std::uint64_t size) {
        size = std::min(size, longest_view);
        if (data == nullptr) return put(absent).put(size);
        put(size);
        append(data, static_cast<std::size_t>(size));
        return *this;
    }
    template <typename T>
    Encoder& put_list(const T* items, std::uint64_t count) {
        count = std::min(count, most_items);
        if (items == nullptr) return put(absent).put(count);
        put(count);
        for (std::uint64_t index = 0; index < count; ++index)
            put(items[index]);
        return *this;
    }

    static constexpr std::uint64_t absent = ~std::uint64_t{0};
    std::array<char, 512> first_;
    std::string more_;  ///< everything, once it is more than that
    std::size_t size_ = 0;
};

/// Reads what an Encoder wrote. Views point into the bytes; lists and structs live as long as the Decoder.
class Decoder {
public:
    explicit Decoder(std::string_view bytes) : rest_(bytes), memory_(first_.data(), first_.size()) {}

    template <typename T>
    [[nodiscard]] T get() {
        if constexpr (std::is_arithmetic_v<T>) {
            T number{};
            const auto bytes = take(sizeof number);
            std::copy_n(bytes.data(), sizeof number, reinterpret_cast<char*>(&number));
            return number;
        } else if constexpr (std::is_same_v<T, berth_str>) {
            const auto [data, size] = view();
            return {data, size};
        } else if constexpr (std::is_same_v<T, berth_bytes>) {
            const auto [data, size] = view();
            return {reinterpret_cast<const std::uint8_t*>(data), size};
        } else if constexpr (std::is_same_v<T, std::string_view>) {
            const auto [data, size] = view();
            if (data == nullptr) throw Malformed("a text is absent");
            return {data, static_cast<std::size_t>(size)};
        } else if constexpr (std::is_same_v<T, berth_pair>) {
            berth_pair pair{};
            pair.name = get<berth_str>();
            pair.value = get<berth_str>();
            pair.flags = get<std::uint64_t>();
            return pair;
        } else if constexpr (std::is_same_v<T, berth_strs>) {
            return list<berth_strs, berth_str>(sizeof(std::uint64_t));
        } else if constexpr (std::is_same_v<T, berth_pairs>) {
            return list<berth_pairs, berth_pair>(3 * sizeof(std::uint64_t));
        } else if constexpr (std::is_same_v<T, berth_opt_i64> || std::is_same_v<T, berth_opt_u64> ||
                             std::is_same_v<T, berth_opt_f64>) {
            T number{};
            number.value = get<decltype(number.value)>();
            number.present = get<std::uint64_t>();
            return number;
        } else {
            return growing<std::remove_const_t<std::remove_pointer_t<T>>>();
        }
    }

    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    /// Everything that follows: bytes at the end of a frame need no length of their own.
    [[nodiscard]] std::string_view rest() noexcept { return std::exchange(rest_, {}); }

private:
    std::string_view take(std::uint64_t size) {
        if (size > rest_.size()) throw Malformed("a message ends too early");
        const auto taken = rest_.substr(0, static_cast<std::size_t>(size));
        rest_.remove_prefix(static_cast<std::size_t>(size));
        return taken;
    }
    std::pair<const char*, std::uint64_t> view() {
        const auto size = get<std::uint64_t>();
        if (size == ~std::uint64_t{0}) return {nullptr, get<std::uint64_t>()};
        const auto bytes = take(size);
        return {bytes.data() == nullptr ? "" : bytes.data(), size};
    }
    template <typename List, typename Item>
    List list(std::uint64_t least_bytes) {
        const auto count = get<std::uint64_t>();
        if (count == ~std::uint64_t{0}) return {nullptr, get<std::uint64_t>()};
        if (count > most_items || count > rest_.size() / least_bytes)
            throw Malformed("a list is longer than its message");
        auto* const items = memory<Item>(static_cast<std::size_t>(count) + 1);  // one more: an empty list is not absent
        for (std::uint64_t index = 0; index < count; ++index)
            items[index] = get<Item>();
        return {items, count};
    }
    template <typename T>
    const T* growing() {
        static_assert(is_listed<T>);
        if (get<std::uint8_t>() == 0) return nullptr;
        auto* const value = memory<T>(1);
        if constexpr (requires { value->size; }) value->size = sizeof(T);
        std::apply(
            [&](auto... members) {
                ((value->*members = get<std::remove_reference_t<decltype(value->*members)>>()), ...);
            },
            fields<T>);
        return value;
    }
    template <typename T>
    T* memory(std::size_t count) {
        static_assert(std::is_trivially_destructible_v<T>);
        return new (memory_.allocate(count * sizeof(T), alignof(T))) T[count]{};
    }

    std::string_view rest_;
    alignas(std::max_align_t) std::array<std::byte, 1024> first_;
    std::pmr::monotonic_buffer_resource memory_;
};

}  // namespace berth::inline host_v1::wire
