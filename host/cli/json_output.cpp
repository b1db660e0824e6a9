#include "json_output.hpp"

#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "../base/duration.hpp"
#include "../base/text.hpp"

namespace berth::inline host_v1::cli {

namespace {

/// A key must be text; what is not is shown printable.
std::string key_of(std::string_view name) {
    return is_utf8(name) ? std::string(name) : printable(name);
}

Json text_or_null(std::string_view text) {
    return text.empty() ? Json() : json_of_bytes(text);
}

template <typename Number>
Json number_or_null(const std::optional<Number>& number) {
    if (!number) return nullptr;
    if constexpr (std::is_floating_point_v<Number>) {
        if (!std::isfinite(*number)) return nullptr;
    }
    return *number;
}

Json moment_or_null(const std::optional<Moment>& moment) {
    return moment ? Json(timestamp_text(*moment)) : Json();
}

Json milliseconds_or_null(const std::optional<Milliseconds>& duration) {
    return duration ? Json(duration->count()) : Json();
}

Json pairs(const std::vector<std::pair<std::string, std::string>>& all) {
    auto object = Json::object();
    for (const auto& [name, value] : all) {
        object[key_of(name)] = json_of_bytes(value);
    }
    return object;
}

Json environment(const Environment& environment) {
    return {{"env", json_of(environment.env)},
            {"cwd", environment.cwd ? json_of_bytes(*environment.cwd) : Json()},
            {"timeout_ms", milliseconds_or_null(environment.timeout)},
            {"memory_limit_mib", number_or_null(environment.memory_limit_mib)},
            {"cpu_limit_percent", number_or_null(environment.cpu_limit)}};
}

/// JSON whose strings hold no character that a terminal obeys: DEL and U+0080 to U+009F, which JSON itself would leave as
/// they are, as \u escapes.
std::string without_controls(std::string json) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto escaped = [&](unsigned char code) {
        return std::string("\\u00") + digits[code >> 4U] + digits[code & 15U];
    };
    std::string clean;
    std::size_t copied = 0;
    for (std::size_t index = 0; index < json.size(); ++index) {
        const auto byte = static_cast<unsigned char>(json[index]);
        const auto next = index + 1 < json.size() ? static_cast<unsigned char>(json[index + 1]) : 0U;
        const bool control = byte == 0xc2U && next >= 0x80U && next <= 0x9fU;
        if (byte != 0x7fU && !control) continue;
        clean.append(json, copied, index - copied).append(escaped(control ? static_cast<unsigned char>(next) : byte));
        if (control) ++index;
        copied = index + 1;
    }
    return copied == 0 ? std::move(json) : clean.append(json, copied);
}

}  // namespace

Json json_of_bytes(std::string_view bytes) {
    if (is_utf8(bytes)) return std::string(bytes);
    return {{"base64", base64(bytes)}};
}

Json json_of(const Error& error) {
    const auto& fields = error.fields();
    Json object{{"code", name_of(error.code())},
                {"diagnostic", error.diagnostic()},
                {"message", json_of_bytes(fields.message)},
                {"provider", text_or_null(fields.provider)},
                {"op", text_or_null(fields.operation)},
                {"sandbox", text_or_null(fields.sandbox)},
                {"path", fields.path ? json_of_bytes(*fields.path) : Json()},
                {"index", number_or_null(fields.index)},
                {"details", pairs(fields.details)},
                {"retryable", error.retryable()},
                {"retry_after_ms", milliseconds_or_null(fields.retry_after)},
                {"outcome", name_of(fields.outcome)},
                {"hint", text_or_null(fields.hint)},
                {"upstream_code", text_or_null(fields.upstream_code)},
                {"request_id", text_or_null(fields.upstream_request_id)}};
    if (!fields.location.empty()) object["location"] = json_of_bytes(fields.location);
    return object;
}

Json json_of(const Variables& variables) {
    auto object = Json::object();
    for (const auto& [name, value] : variables) {
        object[key_of(name)] = json_of_bytes(value);
    }
    return object;
}

Json json_of(const ResourceUsage& usage) {
    return {{"cpu_percent", number_or_null(usage.cpu_percent)},
            {"memory_bytes", number_or_null(usage.memory_bytes)},
            {"disk_bytes", number_or_null(usage.disk_bytes)},
            {"network_received_bytes", number_or_null(usage.network_received_bytes)},
            {"network_sent_bytes", number_or_null(usage.network_sent_bytes)},
            {"process_count", number_or_null(usage.process_count)},
            {"memory_limit_bytes", number_or_null(usage.memory_limit_bytes)},
            {"cpu_limit_percent", number_or_null(usage.cpu_limit_percent)},
            {"disk_limit_bytes", number_or_null(usage.disk_limit_bytes)},
            {"sampled_at", moment_or_null(usage.sampled_at)}};
}

Json json_of(const SandboxInfo& sandbox) {
    auto secret_names = Json::array();
    for (const auto& name : sandbox.secret_env) {
        secret_names.push_back(json_of_bytes(name));
    }
    return {{"full_name", json_of_bytes(sandbox.full_name())},
            {"provider", json_of_bytes(sandbox.provider)},
            {"id", json_of_bytes(sandbox.id)},
            {"status", name_of(sandbox.state)},
            {"created_at", timestamp_text(sandbox.created_at)},
            {"last_used_at", moment_or_null(sandbox.last_used_at)},
            {"expires_at", moment_or_null(sandbox.expires_at)},
            {"name", text_or_null(sandbox.name)},
            {"template", text_or_null(sandbox.template_name)},
            {"persistent", sandbox.persistent},
            {"network", name_of(sandbox.network)},
            {"labels", json_of(sandbox.labels)},
            {"environment", environment(sandbox.environment)},
            {"secret_env", std::move(secret_names)},
            {"usage", sandbox.usage ? json_of(*sandbox.usage) : Json()},
            {"error", text_or_null(sandbox.error)},
            {"backend_id", text_or_null(sandbox.backend_id)},
            {"idempotency_key", text_or_null(sandbox.idempotency_key)},
            {"facts", pairs(sandbox.facts)}};
}

Json json_of(const SnapshotInfo& snapshot) {
    return {{"full_name", json_of_bytes(snapshot.provider + "/" + snapshot.id)},
            {"provider", json_of_bytes(snapshot.provider)},
            {"id", json_of_bytes(snapshot.id)},
            {"name", text_or_null(snapshot.name)},
            {"sandbox_id", text_or_null(snapshot.sandbox_id)},
            {"created_at", timestamp_text(snapshot.created_at)},
            {"size_bytes", number_or_null(snapshot.size_bytes)},
            {"expires_at", moment_or_null(snapshot.expires_at)}};
}

std::string pretty(const Json& value) {
    return without_controls(value.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

std::string compact(const Json& value) {
    return without_controls(value.dump(-1, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace berth::inline host_v1::cli
