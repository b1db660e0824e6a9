#include "render.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "base/size.hpp"
#include "keys.hpp"
#include "reference.hpp"
#include "setting_places.hpp"

namespace berth::inline host_v1 {

namespace {

using nlohmann::json;
using nlohmann::ordered_json;

bool is_reference(const json& value) {
    if (!value.is_string()) return false;
    const auto parts = take_apart(value.get_ref<const std::string&>());
    return parts.problem.empty() && parts.is_one_reference();
}

void mask_all_texts(json& value) {
    if (value.is_structured()) {
        for (auto& below : value)
            mask_all_texts(below);
    } else if (value.is_string() && !is_reference(value)) {
        value = masked_secret;
    }
}

/// Text of the file outside of `config`, where only the escape of a reference is special.
std::string escaped(const std::string& text) {
    std::string result;
    for (std::size_t index = 0; index < text.size(); ++index) {
        if (text[index] == '$' && index + 1 < text.size() && text[index + 1] == '{') result += '$';
        result += text[index];
    }
    return result;
}

ordered_json labels_json(const Labels& labels) {
    auto object = ordered_json::object();
    for (const auto& [name, value] : labels)
        object[name] = escaped(value);
    return object;
}

std::string limit_text(const std::optional<Milliseconds>& limit) {
    return limit ? duration_text(*limit) : "none";
}

ordered_json provider_json(const ProviderConfiguration& provider, const std::map<std::string, json>& shown) {
    ordered_json object;
    object["plugin"] = provider.plugin;
    constexpr std::array run_words{"automatic", "in_process", "worker"};
    object["run"] = run_words[static_cast<std::size_t>(provider.run)];
    ordered_json worker;
    worker["memory"] = provider.worker.memory_bytes ? size_text(*provider.worker.memory_bytes) : "none";
    if (provider.worker.cpus) worker["cpus"] = *provider.worker.cpus;
    object["worker"] = std::move(worker);
    auto names = ordered_json::array();
    for (const auto& requirement : provider.requires_)
        names.push_back(requirement.name);
    object["requires"] = std::move(names);
    object["labels"] = labels_json(provider.labels);
    object["max_concurrency"] = provider.max_concurrency;
    object["max_streams"] = provider.max_streams;
    auto deadlines = ordered_json::object();
    for (const auto& [method, deadline] : provider.deadlines)
        deadlines[method] = limit_text(deadline);
    object["deadlines"] = std::move(deadlines);
    object["allow_restart_loss"] = provider.restart_loss == RestartLoss::allow;
    const auto found = shown.find(provider.name);
    object["config"] =
        found != shown.end() ? found->second : shown_config(provider.config, std::nullopt, EnvironmentVariables());
    return object;
}

ordered_json defaults_json(const Defaults& defaults) {
    ordered_json object;
    object["timeout"] = limit_text(defaults.timeout);
    object["labels"] = labels_json(defaults.labels);
    object["kill_grace"] = duration_text(defaults.kill_grace);
    object["drain_grace"] = duration_text(defaults.drain_grace);
    object["max_output_bytes"] = size_text(defaults.max_output_bytes);
    object["autostart"] = defaults.autostart == Autostart::on;
    object["on_unsupported"] = defaults.on_unsupported == OnUnsupported::warn ? "warn" : "refuse";
    object["download"]["max_files"] = defaults.download.max_files;
    object["download"]["max_bytes"] = size_text(defaults.download.max_bytes);
    return object;
}

ordered_json http_json(const HttpConfiguration& http) {
    ordered_json object;
    if (http.proxy) object["proxy"] = *http.proxy;
    if (!http.no_proxy.empty()) object["no_proxy"] = http.no_proxy;
    if (http.ca_file) object["ca_file"] = http.ca_file->string();
    object["connect_timeout"] = duration_text(http.connect_timeout);
    return object;
}

/// JSON's own form, with the control characters escaped that it leaves as they are (U+007F to U+009F).
std::string terminal_safe(const std::string& text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string result;
    const auto escape = [&result](unsigned char byte) {
        result += "\\u00";
        result += digits[byte >> 4U];
        result += digits[byte & 15U];
    };
    for (std::size_t index = 0; index < text.size(); ++index) {
        const auto byte = static_cast<unsigned char>(text[index]);
        const auto next = static_cast<unsigned char>(index + 1 < text.size() ? text[index + 1] : '\0');
        if (byte == 0x7FU) {
            escape(byte);
        } else if (byte == 0xC2U && next >= 0x80U && next <= 0x9FU) {
            escape(next);
            ++index;
        } else {
            result += text[index];
        }
    }
    return result;
}

/// Whether text may stand without quotes: plain characters, and no word that a reader of YAML might take for a value.
bool is_plain(const std::string& text) {
    constexpr std::string_view others = "_-./~";
    const bool plain = !text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
                       std::all_of(text.begin(), text.end(), [&](char character) {
                           return std::isalnum(static_cast<unsigned char>(character)) != 0 ||
                                  others.find(character) != std::string_view::npos;
                       });
    if (!plain) return false;
    std::string lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char character) { return static_cast<char>(std::tolower(character)); });
    for (const std::string_view word : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
        if (lower == word) return false;
    return true;
}

std::string yaml_scalar_text(const ordered_json& value) {
    if (value.is_string() && is_plain(value.get_ref<const std::string&>())) return value.get<std::string>();
    return terminal_safe(value.dump());
}

void write_yaml(const ordered_json& value, const std::string& indent, std::string& out) {
    const auto below = [&](const ordered_json& child) {
        if (child.is_structured() && !child.empty()) {
            out += '\n';
            write_yaml(child, indent + "  ", out);
        } else {
            out += ' ' + yaml_scalar_text(child) + '\n';
        }
    };
    if (value.is_object()) {
        for (auto member = value.begin(); member != value.end(); ++member) {
            out += indent + yaml_scalar_text(member.key()) + ':';
            below(member.value());
        }
    } else {
        for (const auto& item : value) {
            out += indent + '-';
            below(item);
        }
    }
}

}  // namespace

json shown_config(const ConfigTree& config, std::optional<std::span<const SettingRule>> rules,
                  const EnvironmentVariables& environment) {
    json shown = config.value;
    if (!rules) {
        mask_all_texts(shown);
        return shown;
    }
    for (const auto& rule : parents_first(*rules)) {
        for (auto& place : places_of(shown, rule.pointer)) {
            if (place.value != nullptr) {
                const bool hide = rule.secrecy == Secrecy::secret && !place.value->is_null();
                if (hide && !is_reference(*place.value)) *place.value = masked_secret;
            } else if (const auto variable = standing_in(rule, place.pointer, config.value, environment)) {
                place.set("${env:" + *variable + "}");
            } else if (rule.fallback && rule.secrecy == Secrecy::plain) {
                place.set(*rule.fallback);
            }
        }
    }
    return shown;
}

ordered_json effective_configuration(const Configuration& configuration, const std::map<std::string, json>& shown) {
    ordered_json whole;
    whole["version"] = configuration_version;
    auto paths = ordered_json::array();
    for (const auto& path : configuration.plugin_paths)
        paths.push_back(escaped(path.string()));
    whole["plugins"]["paths"] = std::move(paths);
    const auto& pins = configuration.plugin_pins;
    whole["plugins"]["policy"] = pins.policy == PluginPolicy::pinned ? "pinned" : "any";
    whole["plugins"]["pins"] = ordered_json::object();
    for (const auto& [plugin, pin] : pins.by_plugin)
        whole["plugins"]["pins"][plugin] = pin.hash;
    whole["providers"] = ordered_json::object();
    for (const auto& provider : configuration.providers)
        whole["providers"][provider.name] = provider_json(provider, shown);
    if (configuration.default_provider) whole["select"]["default"] = *configuration.default_provider;
    whole["defaults"] = defaults_json(configuration.defaults);
    whole["http"] = http_json(configuration.http);
    return whole;
}

std::string yaml_text(const ordered_json& value) {
    std::string text;
    if (value.is_structured() && !value.empty()) {
        write_yaml(value, "", text);
    } else {
        text = yaml_scalar_text(value) + '\n';
    }
    return text;
}

std::string json_text(const ordered_json& value) {
    return terminal_safe(value.dump(2)) + '\n';
}

}  // namespace berth::inline host_v1
