#include "setting_places.hpp"

#include <algorithm>

namespace berth::inline host_v1 {

namespace {

using nlohmann::json;

void find_places(json& tree, const std::string& pointer, std::span<const std::string> steps,
                 std::vector<SettingPlace>& places) {
    if (steps.empty()) return;
    const auto rest = steps.subspan(1);
    const auto visit = [&](const std::string& step, const std::string& key, json* value) {
        const auto below = pointer + "/" + step;
        if (rest.empty()) {
            places.push_back(SettingPlace{below, &tree, key, value});
        } else if (value != nullptr) {
            find_places(*value, below, rest, places);
        }
    };
    const auto& step = steps.front();
    if (tree.is_array() && step == "*") {
        for (std::size_t index = 0; index < tree.size(); ++index)
            visit(std::to_string(index), {}, &tree[index]);
    } else if (tree.is_object() && step == "*") {
        for (auto member = tree.begin(); member != tree.end(); ++member)
            visit(pointer_step(member.key()), member.key(), &member.value());
    } else if (tree.is_object()) {
        const auto found = tree.find(step);
        visit(pointer_step(step), step, found == tree.end() ? nullptr : &*found);
    }
}

/// Whether a key that the rule's variables give way to is written beside this pointer. A null is nothing written.
bool gives_way(const SettingRule& rule, const std::string& pointer, const json& written) {
    const auto map = json::json_pointer(pointer).parent_pointer();
    if (!written.contains(map) || !written[map].is_object()) return false;
    const auto& beside = written[map];
    return std::any_of(rule.variables_unless.begin(), rule.variables_unless.end(), [&beside](const std::string& key) {
        const auto found = beside.find(key);
        return found != beside.end() && !found->is_null();
    });
}

}  // namespace

void SettingPlace::set(json fresh) {
    if (value != nullptr) {
        *value = std::move(fresh);
    } else {
        value = &((*parent)[key] = std::move(fresh));
    }
}

std::vector<std::string> steps_of(std::string_view pointer) {
    std::vector<std::string> steps;
    for (std::size_t index = 0; index < pointer.size(); ++index) {
        if (pointer[index] == '/') {
            steps.emplace_back();
        } else if (steps.empty()) {
            break;
        } else if (pointer[index] == '~' && index + 1 < pointer.size()) {
            steps.back() += pointer[++index] == '1' ? '/' : '~';
        } else {
            steps.back() += pointer[index];
        }
    }
    return steps;
}

bool fits(std::string_view rule_pointer, std::string_view pointer) {
    const auto wanted = steps_of(rule_pointer);
    const auto there = steps_of(pointer);
    return std::equal(wanted.begin(), wanted.end(), there.begin(), there.end(),
                      [](const auto& rule_step, const auto& step) { return rule_step == "*" || rule_step == step; });
}

std::vector<SettingPlace> places_of(json& tree, std::string_view rule_pointer) {
    std::vector<SettingPlace> places;
    find_places(tree, "", steps_of(rule_pointer), places);
    return places;
}

std::vector<SettingRule> parents_first(std::span<const SettingRule> rules) {
    std::vector<SettingRule> ordered(rules.begin(), rules.end());
    const auto depth = [](const SettingRule& rule) {
        return std::count(rule.pointer.begin(), rule.pointer.end(), '/');
    };
    std::stable_sort(ordered.begin(), ordered.end(), [&depth](const SettingRule& left, const SettingRule& right) {
        return depth(left) < depth(right);
    });
    return ordered;
}

std::optional<std::string> standing_in(const SettingRule& rule, const std::string& pointer, const json& written,
                                       const EnvironmentVariables& environment) {
    if (gives_way(rule, pointer, written)) return std::nullopt;
    const auto found =
        std::find_if(rule.variables.begin(), rule.variables.end(),
                     [&environment](const std::string& name) { return environment.get_filled(name).has_value(); });
    if (found == rule.variables.end()) return std::nullopt;
    return *found;
}

}  // namespace berth::inline host_v1
