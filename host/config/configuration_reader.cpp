#include "configuration_reader.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "diagnostics.hpp"
#include "keys.hpp"
#include "reference.hpp"
#include "value_reader.hpp"
#include "yaml_scalar.hpp"

namespace berth::inline host_v1 {

namespace {

namespace diagnostics = config_diagnostics;

constexpr std::uint64_t most_at_once = 10'000;
constexpr std::uint64_t most_output_bytes = std::uint64_t{1} << 30U;  // it is kept in memory
// Below this no plugin would even load.
constexpr std::uint64_t least_worker_memory = std::uint64_t{16} << 20U;
constexpr std::uint64_t most_worker_memory = std::uint64_t{1} << 44U;
constexpr std::uint64_t most_cpus = 1024;

/// One map of the file while it is read; knows its own name for messages. Lives as long as the tree.
class Section {
public:
    Section(Problems& problems, const YamlNode& node, std::string what, const KeySection& keys)
        : problems_(problems), what_(std::move(what)), members_(reader(node).map(keys)) {}

    [[nodiscard]] const YamlNode* find(std::string_view key) const {
        if (members_ == nullptr) return nullptr;
        const auto found = std::find_if(members_->begin(), members_->end(),
                                        [key](const YamlMember& member) { return member.key == key; });
        return found == members_->end() ? nullptr : &found->value;
    }

    [[nodiscard]] std::string name_of(std::string_view key) const {
        return what_.empty() ? std::string(key) : what_ + "." + std::string(key);
    }

    /// What `how` makes of the key's value; absent when the key is not there or its value is wrong (and noted).
    template <typename How>
    [[nodiscard]] auto value(std::string_view key, How how) const {
        const YamlNode* node = find(key);
        using Result = decltype(how(std::declval<const ValueReader&>()));
        return node == nullptr ? Result{} : how(ValueReader(problems_, *node, name_of(key)));
    }

    [[nodiscard]] Problems& problems() const noexcept { return problems_; }

private:
    [[nodiscard]] ValueReader reader(const YamlNode& node) const {
        return ValueReader(problems_, node, what_.empty() ? "the file" : what_);
    }

    Problems& problems_;
    std::string what_;
    const std::vector<YamlMember>* members_;
};

std::optional<std::string> as_text(const ValueReader& value) {
    return value.text();
}

std::optional<std::string> as_name(const ValueReader& value) {
    return value.name();
}
std::optional<Milliseconds> as_duration(const ValueReader& value) {
    return value.duration();
}
std::optional<std::optional<Milliseconds>> as_limit(const ValueReader& value) {
    return value.limit();
}
std::optional<bool> as_truth(const ValueReader& value) {
    return value.truth();
}
std::optional<Labels> as_labels(const ValueReader& value) {
    return value.texts_by_name();
}
auto as_whole_number(std::uint64_t most) {
    return [most](const ValueReader& value) { return value.whole_number(1, most); };
}
std::optional<std::optional<std::uint64_t>> as_worker_memory(const ValueReader& value) {
    return value.size_or_none(least_worker_memory, most_worker_memory);
}
auto as_size(std::uint64_t most) {
    return [most](const ValueReader& value) { return value.size(1, most); };
}

/// Reads the file's keys one after the other into the configuration.
class Interpreter {
public:
    Interpreter(const std::filesystem::path& file, const EnvironmentVariables& environment, Problems& problems)
        : directory_(file.parent_path()), environment_(environment), problems_(problems) {
        configuration_.file = file;
    }

    Configuration read(const YamlNode& root) {
        const Section whole(problems_, root, "", section::whole());
        if (root.kind != YamlNode::Kind::map && root.kind != YamlNode::Kind::null) return configuration_;
        read_version(whole, root.place);
        if (const auto* node = whole.find("plugins")) read_plugins(*node);
        read_providers(whole.find("providers"));
        read_default(whole.find("select"));
        if (const auto* node = whole.find("defaults")) read_defaults(*node);
        if (const auto* node = whole.find("http")) read_http(*node);
        return std::move(configuration_);
    }

private:
    void read_version(const Section& whole, Place start) {
        const auto* node = whole.find("version");
        const auto hint = "write version: " + std::to_string(configuration_version);
        if (node == nullptr) {
            problems_.add(diagnostics::missing_key, Place{start.line == 0 ? 1 : start.line, 1},
                          "the file does not say its version", hint);
            return;
        }
        const auto meaning = meaning_of(*node);
        if (meaning.value == configuration_version) return;
        problems_.add(diagnostics::unknown_version, node->place,
                      "this Berth reads version " + std::to_string(configuration_version) + " of the file, not " +
                          found_text(*node),
                      hint);
    }

    void read_plugins(const YamlNode& node) {
        const Section plugins(problems_, node, "plugins", section::plugins());
        configuration_.plugin_pins = read_plugin_pins(problems_, plugins.find("policy"), plugins.find("pins"));
        const auto* paths = plugins.find("paths");
        if (paths == nullptr) return;
        const auto* items = ValueReader(problems_, *paths, "plugins.paths").list();
        if (items == nullptr) return;
        for (const auto& item : *items) {
            const auto text = ValueReader(problems_, item, "plugins.paths").text();
            if (!text) continue;
            if (auto path = path_of(*text, "plugins.paths", item.place))
                configuration_.plugin_paths.push_back(std::move(*path));
        }
    }

    void read_providers(const YamlNode* node) {
        if (node == nullptr || node->kind == YamlNode::Kind::null) {
            configuration_.providers = built_in_configuration().providers;
            for (auto& provider : configuration_.providers) {
                provider.config = read_config_tree(problems_, nullptr, Place{}, directory_);
            }
            return;
        }
        const auto* members = ValueReader(problems_, *node, "providers").map();
        if (members == nullptr) return;
        if (members->empty()) {
            problems_.add(diagnostics::missing_key, node->place, "no provider is configured",
                          "name one, or leave the key providers out to have the provider local");
        }
        for (const auto& member : *members)
            read_provider(member);
    }

    void read_provider(const YamlMember& member) {
        if (!is_name(member.key)) {
            problems_.add(diagnostics::bad_name, member.key_place,
                          berth::quoted(member.key) + " is not a name that a provider can have",
                          "a name has 1 to 32 of the characters a-z 0-9 _ - and starts with a letter");
        }
        const Section section(problems_, member.value, "providers." + printable(member.key), section::provider());
        ProviderConfiguration provider;
        provider.name = member.key;
        provider.place = member.key_place;
        read_plugin_name(section, member, provider);
        read_run(section, provider);
        provider.requires_ = requirements(section);
        provider.labels = section.value("labels", as_labels).value_or(Labels{});
        provider.max_concurrency = at_once(section, "max_concurrency", provider.max_concurrency);
        provider.max_streams = at_once(section, "max_streams", provider.max_streams);
        provider.deadlines = deadlines(section);
        if (section.value("allow_restart_loss", as_truth).value_or(false)) provider.restart_loss = RestartLoss::allow;
        provider.config = read_config_tree(problems_, config_of(section), member.key_place, directory_);
        configuration_.providers.push_back(std::move(provider));
    }

    void read_plugin_name(const Section& section, const YamlMember& member, ProviderConfiguration& provider) {
        const auto* node = section.find("plugin");
        const bool is_map = member.value.kind == YamlNode::Kind::map || member.value.kind == YamlNode::Kind::null;
        if (node == nullptr && !is_map) return;
        if (node == nullptr) {
            problems_.add(diagnostics::missing_key, member.key_place,
                          "the provider " + berth::quoted(member.key) + " does not say which plugin it is made of",
                          "add plugin: NAME; berth plugin ls shows the names");
            return;
        }
        provider.plugin_place = node->place;
        provider.plugin = section.value("plugin", as_name).value_or("");
    }

    void read_run(const Section& section, ProviderConfiguration& provider) {
        const auto mode = section.value("run", [](const ValueReader& value) {
            return value.word({"automatic", "in_process", "worker"});
        });
        if (mode) provider.run = static_cast<RunMode>(*mode);
        const auto* node = section.find("worker");
        if (node == nullptr) return;
        const Section limits(problems_, *node, section.name_of("worker"), section::worker());
        auto& worker = provider.worker;
        worker.memory_bytes = limits.value("memory", as_worker_memory).value_or(worker.memory_bytes);
        if (const auto cpus = limits.value("cpus", as_whole_number(most_cpus)))
            worker.cpus = static_cast<std::uint32_t>(*cpus);
    }

    [[nodiscard]] std::vector<Requirement> requirements(const Section& section) {
        std::vector<Requirement> found;
        const auto* node = section.find("requires");
        if (node == nullptr) return found;
        const auto* items = ValueReader(problems_, *node, section.name_of("requires")).list();
        if (items == nullptr) return found;
        for (const auto& item : *items) {
            auto name = ValueReader(problems_, item, section.name_of("requires")).name();
            if (name) found.push_back(Requirement{*std::move(name), item.place});
        }
        return found;
    }

    [[nodiscard]] static std::uint32_t at_once(const Section& section, std::string_view key, std::uint32_t otherwise) {
        return static_cast<std::uint32_t>(section.value(key, as_whole_number(most_at_once)).value_or(otherwise));
    }

    [[nodiscard]] std::map<std::string, std::optional<Milliseconds>> deadlines(const Section& provider) {
        std::map<std::string, std::optional<Milliseconds>> found;
        const auto* node = provider.find("deadlines");
        if (node == nullptr) return found;
        const auto keys = section::deadlines();
        const Section section(problems_, *node, provider.name_of("deadlines"), keys);
        for (const auto& method : keys.keys) {
            if (const auto deadline = section.value(method, as_limit)) found.emplace(method, *deadline);
        }
        return found;
    }

    /// The node of `config` when it is a map or nothing.
    [[nodiscard]] const YamlNode* config_of(const Section& section) {
        const auto* node = section.find("config");
        if (node == nullptr || node->kind == YamlNode::Kind::map || node->kind == YamlNode::Kind::null) return node;
        // Its text is not shown: it may be a secret in the wrong place.
        problems_.add(diagnostics::wrong_type, node->place,
                      section.name_of("config") + " has to be a map, not " + found_kind(*node),
                      "write KEY: VALUE, each on a line of its own and indented");
        return nullptr;
    }

    void read_default(const YamlNode* node) {
        const auto& providers = configuration_.providers;
        if (node != nullptr) {
            const Section select(problems_, *node, "select", section::select());
            if (const auto* name_node = select.find("default")) {
                configuration_.default_place = name_node->place;
                configuration_.default_provider = select.value("default", as_name);
                if (configuration_.default_provider) check_default(name_node->place);
                return;
            }
        }
        if (providers.size() == 1) configuration_.default_provider = providers.front().name;
    }

    void check_default(Place place) {
        const auto& name = *configuration_.default_provider;
        if (configuration_.find(name) != nullptr) return;
        std::vector<std::string> names;
        for (const auto& provider : configuration_.providers)
            names.push_back(provider.name);
        const auto near = nearest_name(name, names);
        problems_.add(diagnostics::unknown_provider, place, "there is no provider " + berth::quoted(name),
                      near ? "did you mean " + *near + "?" : "configured: " + listed(names));
    }

    void read_defaults(const YamlNode& node) {
        const Section section(problems_, node, "defaults", section::defaults());
        Defaults& defaults = configuration_.defaults;
        defaults.timeout = section.value("timeout", as_limit).value_or(defaults.timeout);
        defaults.labels = section.value("labels", as_labels).value_or(Labels{});
        defaults.kill_grace = section.value("kill_grace", as_duration).value_or(defaults.kill_grace);
        defaults.drain_grace = section.value("drain_grace", as_duration).value_or(defaults.drain_grace);
        defaults.max_output_bytes =
            section.value("max_output_bytes", as_size(most_output_bytes)).value_or(defaults.max_output_bytes);
        if (section.value("autostart", as_truth).value_or(false)) defaults.autostart = Autostart::on;
        const auto unsupported = section.value("on_unsupported", [](const ValueReader& value) {
            return value.word({"refuse", "warn"});
        });
        if (unsupported == std::size_t{1}) defaults.on_unsupported = OnUnsupported::warn;
        if (const auto* download = section.find("download")) {
            const Section limits(problems_, *download, "defaults.download", section::download());
            auto& into = defaults.download;
            into.max_files = limits.value("max_files", as_whole_number(most_of_all)).value_or(into.max_files);
            into.max_bytes = limits.value("max_bytes", as_size(most_of_all)).value_or(into.max_bytes);
        }
    }

    void read_http(const YamlNode& node) {
        const Section section(problems_, node, "http", section::http());
        HttpConfiguration& http = configuration_.http;
        http.connect_timeout = section.value("connect_timeout", as_duration).value_or(http.connect_timeout);
        if (const auto* proxy = section.find("proxy")) {
            http.proxy = section.value("proxy", as_text);
            if (http.proxy) check_proxy(*http.proxy, proxy->place);
        }
        if (const auto* file = section.find("ca_file")) {
            if (const auto text = section.value("ca_file", as_text))
                http.ca_file = path_of(*text, "http.ca_file", file->place);
        }
        if (const auto* hosts = section.find("no_proxy")) {
            const auto* items = ValueReader(problems_, *hosts, "http.no_proxy").list();
            for (std::size_t index = 0; items != nullptr && index < items->size(); ++index) {
                if (auto host = ValueReader(problems_, (*items)[index], "http.no_proxy").text())
                    http.no_proxy.push_back(std::move(*host));
            }
        }
    }

    void check_proxy(const std::string& proxy, Place place) {
        if (proxy.find('@') != std::string::npos) {
            problems_.add(diagnostics::bad_value, place, "http.proxy holds a name or password",
                          "leave the key out and put the whole address into the variable https_proxy");
        } else if (!proxy.empty() && !proxy.starts_with("http://") && !proxy.starts_with("https://")) {
            problems_.add(diagnostics::bad_value, place, "http.proxy is no address of a proxy: " + berth::quoted(proxy),
                          "write http://HOST:PORT, or https:// before it");
        }
    }

    /// An absolute path, or nothing after noting why.
    std::optional<std::filesystem::path> path_of(const std::string& text, std::string_view key, Place place) {
        auto path = expand_path(text, directory_, environment_);
        if (path.problem.empty()) return std::filesystem::path(std::move(path.text));
        problems_.add(diagnostics::bad_value, place, std::string(key) + ": " + path.problem,
                      "write an absolute path, or one relative to the folder of this file");
        return std::nullopt;
    }

    std::filesystem::path directory_;
    const EnvironmentVariables& environment_;
    Problems& problems_;
    Configuration configuration_;
};

}  // namespace

Configuration interpret(const YamlNode& root, const std::filesystem::path& file,
                        const EnvironmentVariables& environment, Problems& problems) {
    return Interpreter(file, environment, problems).read(root);
}

}  // namespace berth::inline host_v1
