// A provider's checked configuration, flattened: every value has its JSON pointer. Plugins need no JSON library.
// Holds no secret, and knows no schema.
#pragma once

#include <berth/plugin.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace berth::inline host_v1 {

/// Immutable after it is made; any thread.
class FlatSettings {
public:
    struct Value {
        std::string pointer;
        std::int32_t kind = BERTH_SETTING_NULL;
        bool boolean = false;
        std::string text;
        std::int64_t integer = 0;
        double number = 0;
    };

    /// `values` is an object; the first value is the object itself, with the pointer "".
    explicit FlatSettings(const nlohmann::json& values);
    FlatSettings(const FlatSettings&) = delete;
    FlatSettings& operator=(const FlatSettings&) = delete;

    /// nullptr when there is none.
    [[nodiscard]] const Value* find(std::string_view pointer) const noexcept;
    /// Parents before children, keys in order of their bytes, items in order; nullptr after the last.
    [[nodiscard]] const Value* at(std::uint64_t index) const noexcept;

private:
    void add(const nlohmann::json& value, const std::string& pointer);

    std::vector<Value> values_;
    std::unordered_map<std::string_view, std::size_t> places_;  ///< views into values_
};

}  // namespace berth::inline host_v1
