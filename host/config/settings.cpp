#include "settings.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <tuple>
#include <utility>

#include "base/text.hpp"
#include "diagnostics.hpp"
#include "reference.hpp"
#include "setting_places.hpp"

namespace berth::inline host_v1 {

namespace {

namespace diagnostics = config_diagnostics;
using nlohmann::json;

/// Does the work of settle() on one provider's config.
class Settler {
public:
    Settler(const ConfigTree& config, const EnvironmentVariables& environment)
        : config_(config), environment_(environment) {
        result_.settings.values = config.value;
    }

    SettledSettings settle(std::span<const SettingRule> rules) {
        const auto ordered = parents_first(rules);
        for (const auto& rule : ordered) {
            if (rule.secrecy == Secrecy::secret) take_out_secrets(rule);
        }
        for (const auto& rule : ordered) {
            if (rule.secrecy == Secrecy::plain) types_.push_back(&rule);
        }
        resolve(result_.settings.values, "");
        for (const auto& rule : ordered)
            fill_in(rule);
        drop_secrets();
        std::stable_sort(problems_.begin(), problems_.end(), [](const auto& left, const auto& right) {
            return std::tie(left.first.line, left.first.column) < std::tie(right.first.line, right.first.column);
        });
        for (auto& problem : problems_)
            result_.problems.push_back(std::move(problem.second));
        return std::move(result_);
    }

private:
    /// At a pointer of the config, or at a variable that "x-env" names.
    void note(const Diagnostic& diagnostic, const std::string& where, std::string message, std::string hint) {
        ErrorFields fields;
        const bool is_pointer = where.empty() || where.front() == '/';
        fields.location = is_pointer ? config_.location_of(where) : "environment variable " + where;
        const Place place = is_pointer ? config_.place_of(where) : Place{};
        fields.message = std::move(message);
        fields.hint = std::move(hint);
        problems_.emplace_back(place, Error(diagnostic, std::move(fields)));
    }

    /// What is secret and written down goes into `secrets`; in the values a null stays until the end.
    void take_out_secrets(const SettingRule& rule) {
        for (auto& target : places_of(result_.settings.values, rule.pointer)) {
            if (target.value == nullptr || target.value->is_null()) continue;
            const auto parts =
                target.value->is_string() ? take_apart(target.value->get<std::string>()) : ReferencedText{};
            if (!parts.is_one_reference() || !parts.problem.empty()) {
                note(diagnostics::literal_secret, target.pointer,
                     "the secret " + printable(target.pointer) + " is written into the file",
                     "give it by reference: ${env:NAME} or ${file:PATH}, and nothing around it");
            } else {
                add_secret(target, parts.parts.front());
            }
            target.set(nullptr);
            hidden_.push_back(target.pointer);
        }
    }

    void add_secret(const SettingPlace& target, const TextPart& part) {
        SecretSource source;
        source.location = config_.location_of(target.pointer);
        source.written = target.value->get<std::string>();
        source.name = part.text;
        if (part.kind == TextPart::Kind::file) {
            source.kind = SecretSource::Kind::file;
            auto path = expand_path(part.text, config_.directory, environment_);
            if (!path.problem.empty()) {
                note(diagnostics::unresolved_reference, target.pointer, path.problem, "write an absolute path");
                return;
            }
            source.name = std::move(path.text);
        }
        try {
            static_cast<void>(read_secret(source, environment_));
        } catch (const Error& error) {
            note(diagnostics::unresolved_reference, target.pointer, error.fields().message, error.fields().hint);
        }
        result_.settings.secrets.emplace(target.pointer, std::move(source));
    }

    /// Replaces every reference left in the values by what it points at.
    void resolve(json& value, const std::string& pointer) {
        if (value.is_object()) {
            for (auto member = value.begin(); member != value.end(); ++member)
                resolve(member.value(), pointer + "/" + pointer_step(member.key()));
        } else if (value.is_array()) {
            for (std::size_t index = 0; index < value.size(); ++index)
                resolve(value[index], pointer + "/" + std::to_string(index));
        } else if (value.is_string()) {
            const auto parts = take_apart(value.get_ref<const std::string&>());
            if (!parts.problem.empty()) {  // the reader has refused it already, unless the tree was made by hand
                note(diagnostics::bad_reference, pointer, parts.problem,
                     "write ${env:NAME} or ${file:PATH}, or $${ for the characters themselves");
                return;
            }
            auto text = joined(parts, pointer);
            if (!text) return;
            value = parts.has_reference() ? typed(*std::move(text), type_at(pointer), pointer) : json(*std::move(text));
        }
    }

    std::optional<std::string> joined(const ReferencedText& parts, const std::string& where) {
        std::string text;
        for (const auto& part : parts.parts) {
            auto found = part_text(part);
            if (!found.problem.empty()) {
                note(diagnostics::unresolved_reference, where, found.problem,
                     "set it, or write the value into the file");
                return std::nullopt;
            }
            text += found.text;
        }
        return text;
    }

    [[nodiscard]] FoundText part_text(const TextPart& part) const {
        FoundText found;
        if (part.kind == TextPart::Kind::literal) {
            found.text = part.text;
        } else if (part.kind == TextPart::Kind::variable) {
            found = read_variable(part.text, environment_);
        } else {
            found = expand_path(part.text, config_.directory, environment_);
            if (found.problem.empty()) found = read_reference_file(found.text);
        }
        if (found.problem.empty() && !is_utf8(found.text))
            found.problem = "what a reference points at is not UTF-8 text";
        return found;
    }

    /// The type that a plain rule asks for at this very place.
    [[nodiscard]] SettingType type_at(const std::string& pointer) const {
        for (const auto* rule : types_) {
            if (fits(rule->pointer, pointer)) return rule->type;
        }
        return SettingType::any;
    }

    json typed(std::string text, SettingType type, const std::string& where) {
        const char* end = text.data() + text.size();
        if (type == SettingType::integer) {
            std::int64_t number = 0;
            const auto result = std::from_chars(text.data(), end, number);
            if (result.ec == std::errc{} && result.ptr == end) return number;
            return wrong("a whole number", where);
        }
        if (type == SettingType::number) {
            double number = 0;
            const auto result = std::from_chars(text.data(), end, number);
            if (result.ec == std::errc{} && result.ptr == end && std::isfinite(number)) return number;
            return wrong("a number", where);
        }
        if (type == SettingType::boolean) {
            if (text == "true") return true;
            if (text == "false") return false;
            return wrong("true or false", where);
        }
        return text;
    }

    json wrong(std::string_view expected, const std::string& where) {
        note(diagnostics::wrong_reference_type, where,
             "expected " + std::string(expected) + ", but the reference gives other text",
             "correct the variable or file");
        return nullptr;
    }

    /// The vendor's variables and the schema's default, where nothing is written down.
    void fill_in(const SettingRule& rule) {
        for (auto& target : places_of(result_.settings.values, rule.pointer)) {
            if (target.value != nullptr) continue;
            if (const auto variable = standing_in(rule, target.pointer, config_.value, environment_)) {
                take_variable(rule, target, *variable);
            } else if (rule.fallback && rule.secrecy == Secrecy::plain) {
                target.set(*rule.fallback);
            }
        }
    }

    void take_variable(const SettingRule& rule, SettingPlace& target, const std::string& variable) {
        result_.settings.origins.emplace(target.pointer, variable);
        if (rule.secrecy == Secrecy::secret) {
            result_.settings.secrets.emplace(
                target.pointer, SecretSource{SecretSource::Kind::variable, variable, "${env:" + variable + "}", {}});
            return;
        }
        auto found = read_variable(variable, environment_);
        if (!is_utf8(found.text)) {
            note(diagnostics::wrong_reference_type, variable, "expected UTF-8 text", "correct the variable");
            return;
        }
        target.set(typed(std::move(found.text), rule.type, variable));
    }

    /// Members go; an item of a list stays a null, so that its neighbours keep their pointers.
    void drop_secrets() {
        for (const auto& pointer : hidden_) {
            const json::json_pointer place(pointer);
            auto& parent = result_.settings.values.at(place.parent_pointer());
            if (parent.is_object()) parent.erase(place.back());
        }
    }

    const ConfigTree& config_;
    const EnvironmentVariables& environment_;
    SettledSettings result_;
    std::vector<std::pair<Place, Error>> problems_;
    std::vector<const SettingRule*> types_;
    std::vector<std::string> hidden_;
};

}  // namespace

json Settings::with_references() const {
    json whole = values;
    for (const auto& [pointer, source] : secrets) {
        const json::json_pointer place(pointer);
        if (whole.contains(place.parent_pointer())) whole[place] = source.written;
    }
    return whole;
}

SettledSettings settle(const ConfigTree& config, std::span<const SettingRule> rules,
                       const EnvironmentVariables& environment) {
    return Settler(config, environment).settle(rules);
}

std::string read_secret(const SecretSource& source, const EnvironmentVariables& environment) {
    auto found = source.kind == SecretSource::Kind::variable ? read_variable(source.name, environment)
                                                             : read_reference_file(source.name);
    if (found.problem.empty() && found.text.empty()) {
        found.problem = source.kind == SecretSource::Kind::variable
                            ? "the environment variable " + source.name + " is empty"
                            : "the file " + berth::quoted(source.name) + " is empty";
    }
    if (found.problem.empty()) return std::move(found.text);
    ErrorFields fields;
    fields.message = std::move(found.problem);
    fields.hint = source.kind == SecretSource::Kind::variable ? "set it to the secret" : "put the secret there";
    fields.location = source.location;
    throw Error(diagnostics::unreadable_secret, std::move(fields));
}

std::string location_of_setting(const ConfigTree& config, const Settings& settings, std::string_view pointer) {
    const auto origin = settings.origins.find(std::string(pointer));
    if (origin != settings.origins.end()) return "environment variable " + origin->second;
    return config.location_of(pointer);
}

}  // namespace berth::inline host_v1
