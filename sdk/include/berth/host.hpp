// What the host offers to a plugin, as the plugin's constructor gets it: log, settings, secrets, and the doors to
// state, http and websocket. A service that this host does not offer answers Code::unsupported.
#ifndef BERTH_HOST_HPP
#define BERTH_HOST_HPP

#include <concepts>

#include "call.hpp"
#include "host.h"

namespace berth::inline sdk_v1 {

class Http;
class StateStore;
class WebSockets;

/// What a value of the configuration is.
enum class SettingKind : std::int32_t {
    text = BERTH_SETTING_TEXT,
    integer = BERTH_SETTING_INTEGER,
    number = BERTH_SETTING_NUMBER,
    boolean = BERTH_SETTING_BOOLEAN,
    null = BERTH_SETTING_NULL,
    list = BERTH_SETTING_LIST,
    map = BERTH_SETTING_MAP
};

/// The checked configuration of this provider, by JSON pointer, defaults of the schema filled in. Secrets are not in
/// here. A cheap view, good as long as the instance lives. [any thread]
class Settings {
public:
    explicit Settings(const berth_host* host) : host_(host) {}

    /// The value at `pointer`, such as get<std::int64_t>("/port"). For std::string, std::string_view, bool, double, any
    /// integer, and std::vector of these. Throws Code::invalid_argument when it is missing or of another kind.
    template <class T>
    T get(std::string_view pointer) const {
        if (std::optional<T> value = find<T>(pointer)) return *std::move(value);
        throw Error(Code::invalid_argument, "the setting " + std::string{pointer} + " is missing");
    }
    /// The same, with a value for when it is missing or null.
    template <class T>
    T get(std::string_view pointer, T otherwise) const {
        std::optional<T> value = find<T>(pointer);
        return value ? *std::move(value) : otherwise;
    }
    /// The same, absent when it is missing or null.
    template <class T>
    std::optional<T> find(std::string_view pointer) const {
        const std::optional<berth_setting> setting = raw(pointer);
        if (!setting || setting->kind == BERTH_SETTING_NULL) return std::nullopt;
        return convert(*setting, pointer, static_cast<T*>(nullptr));
    }
    bool has(std::string_view pointer) const { return raw(pointer).has_value(); }
    std::optional<SettingKind> kind(std::string_view pointer) const {
        const std::optional<berth_setting> setting = raw(pointer);
        return setting ? std::optional{static_cast<SettingKind>(setting->kind)} : std::nullopt;
    }
    /// The last parts of the pointers directly below `pointer`, in order, unescaped: the keys of a map.
    std::vector<std::string> keys(std::string_view pointer) const {
        std::vector<std::string> found;
        const std::string prefix = std::string{pointer} + "/";
        berth_setting setting = detail::sized<berth_setting>();
        for (std::uint64_t n = 0; service().at(host_, n, &setting) == BERTH_OK; ++n) {
            const std::string_view at = detail::view(setting.pointer);
            if (at.substr(0, prefix.size()) == prefix && at.find('/', prefix.size()) == std::string_view::npos)
                found.push_back(unescape(at.substr(prefix.size())));
        }
        return found;
    }

private:
    const berth_settings& service() const {
        if (host_->settings == nullptr) throw Error(Code::unsupported, "this host offers no settings");
        return *host_->settings;
    }
    std::optional<berth_setting> raw(std::string_view pointer) const {
        berth_setting setting = detail::sized<berth_setting>();
        if (service().get(host_, detail::text(pointer), &setting) != BERTH_OK) return std::nullopt;
        return setting;
    }
    static std::string unescape(std::string_view part) {
        std::string text;
        for (std::size_t i = 0; i < part.size(); ++i) {
            const bool escape = part[i] == '~' && i + 1 < part.size();
            text += escape ? (part[++i] == '1' ? '/' : '~') : part[i];
        }
        return text;
    }
    [[noreturn]] static void wrong(std::string_view pointer, const char* expected) {
        throw Error(Code::invalid_argument, "the setting " + std::string{pointer} + " is not " + expected);
    }
    std::string_view convert(const berth_setting& setting, std::string_view pointer, std::string_view*) const {
        if (setting.kind != BERTH_SETTING_TEXT) wrong(pointer, "a text");
        return detail::view(setting.text);
    }
    std::string convert(const berth_setting& setting, std::string_view pointer, std::string*) const {
        return std::string{convert(setting, pointer, static_cast<std::string_view*>(nullptr))};
    }
    bool convert(const berth_setting& setting, std::string_view pointer, bool*) const {
        if (setting.kind != BERTH_SETTING_BOOLEAN) wrong(pointer, "true or false");
        return setting.boolean != 0;
    }
    double convert(const berth_setting& setting, std::string_view pointer, double*) const {
        if (setting.kind == BERTH_SETTING_INTEGER) return static_cast<double>(setting.integer);
        if (setting.kind != BERTH_SETTING_NUMBER) wrong(pointer, "a number");
        return setting.number;
    }
    template <std::integral T>
    T convert(const berth_setting& setting, std::string_view pointer, T*) const {
        if (setting.kind != BERTH_SETTING_INTEGER) wrong(pointer, "a whole number");
        if (!std::in_range<T>(setting.integer)) wrong(pointer, "in the range of its type");
        return static_cast<T>(setting.integer);
    }
    template <class T>
    std::vector<T> convert(const berth_setting& setting, std::string_view pointer, std::vector<T>*) const {
        if (setting.kind != BERTH_SETTING_LIST) wrong(pointer, "a list");
        std::vector<T> items;
        for (std::int64_t n = 0; n < setting.integer; ++n)
            items.push_back(get<T>(std::string{pointer} + "/" + std::to_string(n)));
        return items;
    }

    const berth_host* host_;
};

/// The host, as handed to the constructor. Copy it freely; it is good until the instance has died. [any thread]
class Host {
public:
    explicit Host(const berth_host* raw) : raw_(raw) {}

    /// The provider's name in berth.yaml.
    std::string_view provider_name() const { return detail::view(raw_->provider_name); }
    /// One line for the operator, never stdout or stderr (rule T5). Secrets known to the host are masked.
    void log(LogLevel level, std::string_view message) const noexcept {
        raw_->log(raw_, static_cast<std::int32_t>(level), detail::text(message));
    }
    Settings settings() const { return Settings{raw_}; }
    /// The secret at a JSON pointer of the configuration; absent when it is not configured. Ask at each use and do not
    /// keep it: tokens expire.
    std::optional<std::string> find_secret(Call& call, std::string_view pointer) const;
    /// The same; throws Code::auth_failed when it is not configured.
    std::string secret(Call& call, std::string_view pointer) const {
        if (std::optional<std::string> value = find_secret(call, pointer)) return *std::move(value);
        throw Error(Code::auth_failed, "no value is configured at " + std::string{pointer})
            .hint("set it in the provider's config in berth.yaml")
            .outcome(Outcome::none);
    }
    /// A small durable key-value store of this provider; see state.hpp.
    StateStore state() const;
    /// Requests to a backend; see http.hpp.
    Http http() const;
    /// See websocket.hpp.
    WebSockets websockets() const;
    const berth_host* raw() const { return raw_; }

private:
    const berth_host* raw_;
};

namespace detail {

/// A sink of our own for what a service of the host gives back in pieces.
class Collector : public berth_bytes_sink {
public:
    Collector() : berth_bytes_sink{sizeof(berth_bytes_sink), 0, nullptr, &Collector::take} {}
    std::string text;

private:
    static berth_status take(berth_bytes_sink* sink, berth_bytes bytes) noexcept {
        try {
            static_cast<Collector*>(sink)->text.append(view(bytes));
            return BERTH_OK;
        } catch (...) {
            return BERTH_RESOURCE_EXHAUSTED;
        }
    }
};

}  // namespace detail

inline std::optional<std::string> Host::find_secret(Call& call, std::string_view pointer) const {
    if (raw_->secrets == nullptr) throw Error(Code::unsupported, "this host offers no secrets");
    detail::Collector collector;
    const berth_status status = raw_->secrets->get(raw_, call.raw(), detail::text(pointer), &collector);
    if (status == BERTH_END) return std::nullopt;
    if (status != BERTH_OK)
        throw Error::recorded_by_host(status, "the secret at " + std::string{pointer} + " could not be had");
    return std::move(collector.text);
}

}  // namespace berth::inline sdk_v1

#endif
