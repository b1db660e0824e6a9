#include "flat_settings.hpp"

#include <limits>

#include "../config/config_tree.hpp"

namespace berth::inline host_v1 {

namespace {

FlatSettings::Value value_of(const nlohmann::json& json) {
    FlatSettings::Value value;
    switch (json.type()) {
        case nlohmann::json::value_t::string:
            value.kind = BERTH_SETTING_TEXT;
            value.text = json.get_ref<const std::string&>();
            break;
        case nlohmann::json::value_t::boolean:
            value.kind = BERTH_SETTING_BOOLEAN;
            value.boolean = json.get<bool>();
            break;
        case nlohmann::json::value_t::number_unsigned:
            // Beyond what `integer` holds it is still a number, if not an exact one.
            value.kind = json.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}
                             ? BERTH_SETTING_INTEGER
                             : BERTH_SETTING_NUMBER;
            value.number = json.get<double>();
            break;
        case nlohmann::json::value_t::number_integer:
            value.kind = BERTH_SETTING_INTEGER;
            value.number = json.get<double>();
            break;
        case nlohmann::json::value_t::number_float:
            value.kind = BERTH_SETTING_NUMBER;
            value.number = json.get<double>();
            break;
        case nlohmann::json::value_t::array:
            value.kind = BERTH_SETTING_LIST;
            value.integer = static_cast<std::int64_t>(json.size());
            break;
        case nlohmann::json::value_t::object:
            value.kind = BERTH_SETTING_MAP;
            value.integer = static_cast<std::int64_t>(json.size());
            break;
        default:
            break;
    }
    if (value.kind == BERTH_SETTING_INTEGER) value.integer = json.get<std::int64_t>();
    return value;
}

}  // namespace

FlatSettings::FlatSettings(const nlohmann::json& values) {
    add(values, {});
    for (std::size_t index = 0; index < values_.size(); ++index)
        places_.emplace(values_[index].pointer, index);
}

void FlatSettings::add(const nlohmann::json& value, const std::string& pointer) {
    values_.push_back(value_of(value));
    values_.back().pointer = pointer;
    if (value.is_object()) {
        for (const auto& [key, member] : value.items())
            add(member, pointer + "/" + pointer_step(key));
    } else if (value.is_array()) {
        for (std::size_t index = 0; index < value.size(); ++index)
            add(value[index], pointer + "/" + std::to_string(index));
    }
}

const FlatSettings::Value* FlatSettings::find(std::string_view pointer) const noexcept {
    const auto found = places_.find(pointer);
    return found == places_.end() ? nullptr : &values_[found->second];
}

const FlatSettings::Value* FlatSettings::at(std::uint64_t index) const noexcept {
    return index < values_.size() ? &values_[index] : nullptr;
}

}  // namespace berth::inline host_v1
