// Settings, secrets, state and log of the fake host, in memory.
#ifndef BERTH_TESTING_FAKE_SERVICES_HPP
#define BERTH_TESTING_FAKE_SERVICES_HPP

#include <map>
#include <variant>

#include "../state.hpp"
#include "fake_sinks.hpp"

namespace berth::inline sdk_v1::testing {

/// A value of the configuration; a list holds texts.
using SettingValue = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, std::vector<std::string>>;

class FakeSettings : public berth_settings {
public:
    FakeSettings() : berth_settings{sizeof(berth_settings), 0, nullptr, nullptr} {}

    void set(std::string_view pointer, const SettingValue& value) {
        parents_of(pointer);
        berth_setting setting = ::berth::detail::sized<berth_setting>();
        switch (value.index()) {
            case 0:
                setting.kind = BERTH_SETTING_NULL;
                break;
            case 1:
                setting.kind = BERTH_SETTING_BOOLEAN;
                setting.boolean = std::get<bool>(value) ? 1 : 0;
                break;
            case 2:
                setting.kind = BERTH_SETTING_INTEGER;
                setting.integer = std::get<std::int64_t>(value);
                setting.number = static_cast<double>(setting.integer);
                break;
            case 3:
                setting.kind = BERTH_SETTING_NUMBER;
                setting.number = std::get<double>(value);
                break;
            case 4:
                setting.kind = BERTH_SETTING_TEXT;
                setting.text = memory_.text(std::get<std::string>(value));
                break;
            default: {
                const auto& items = std::get<std::vector<std::string>>(value);
                setting.kind = BERTH_SETTING_LIST;
                setting.integer = static_cast<std::int64_t>(items.size());
                for (std::size_t n = 0; n < items.size(); ++n)
                    put(std::string{pointer} + "/" + std::to_string(n), text_setting(items[n]));
            }
        }
        put(pointer, setting);
    }
    berth_status find(std::string_view pointer, berth_setting* to) const {
        const auto found = values_.find(std::string{pointer});
        if (found == values_.end()) return BERTH_END;
        *to = found->second;
        return BERTH_OK;
    }
    berth_status nth(std::uint64_t index, berth_setting* to) const {
        if (index >= values_.size()) return BERTH_END;
        *to = std::next(values_.begin(), static_cast<std::ptrdiff_t>(index))->second;
        return BERTH_OK;
    }

private:
    berth_setting text_setting(std::string_view text) {
        berth_setting setting = ::berth::detail::sized<berth_setting>();
        setting.kind = BERTH_SETTING_TEXT;
        setting.text = memory_.text(text);
        return setting;
    }
    /// Makes the maps that a deeper pointer lies in.
    void parents_of(std::string_view pointer) {
        const auto slash = pointer.rfind('/');
        if (slash == std::string_view::npos) return;
        const std::string_view parent = pointer.substr(0, slash);
        if (values_.find(std::string{parent}) == values_.end()) {
            parents_of(parent);
            berth_setting map = ::berth::detail::sized<berth_setting>();
            map.kind = BERTH_SETTING_MAP;
            put(parent, map);
        }
        ++values_[std::string{parent}].integer;
    }
    void put(std::string_view pointer, berth_setting setting) {
        setting.pointer = memory_.text(pointer);
        values_[std::string{pointer}] = setting;
    }
    Arena memory_;
    std::map<std::string, berth_setting> values_;
};

/// Values with revisions.
class FakeState : public berth_state {
public:
    FakeState() : berth_state{sizeof(berth_state), 0, nullptr, nullptr, nullptr, nullptr} {}

    std::map<std::string, StoredValue> values;

    berth_status store(std::string_view key, std::string_view value, std::uint64_t expected, std::uint64_t* revision) {
        if (current(key) != expected) return BERTH_CONFLICT;
        values[std::string{key}] = {std::string{value}, ++last_revision_};
        *revision = last_revision_;
        return BERTH_OK;
    }
    berth_status erase(std::string_view key, std::uint64_t expected) {
        if (current(key) == 0) return BERTH_END;
        if (current(key) != expected) return BERTH_CONFLICT;
        values.erase(std::string{key});
        return BERTH_OK;
    }
    /// The revision that is stored, 0 when there is none.
    std::uint64_t current(std::string_view key) const {
        const auto found = values.find(std::string{key});
        return found == values.end() ? 0 : found->second.revision;
    }

private:
    std::uint64_t last_revision_ = 0;
};

/// One line that the plugin logged.
struct LogLine {
    LogLevel level;
    std::string text;
};

}  // namespace berth::inline sdk_v1::testing

#endif
