// See record.hpp. JSON, because people look at it; bytes that are not UTF-8 are written as {"hex": "..."}.
#include "record.hpp"

#include <nlohmann/json.hpp>

namespace berth_local {
namespace {

using nlohmann::json;

constexpr int format = 1;

bool is_utf8(std::string_view text) {
    try {
        (void)json(std::string(text)).dump();
        return true;
    } catch (const json::exception&) {
        return false;
    }
}

json bytes_to_json(const std::string& bytes) {
    if (is_utf8(bytes)) {
        return bytes;
    }
    std::string hex;
    for (const char byte : bytes) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto value = static_cast<unsigned char>(byte);
        hex += digits[value >> 4];
        hex += digits[value & 15];
    }
    return json{{"hex", hex}};
}

std::string bytes_from_json(const json& value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    const std::string hex = value.at("hex").get<std::string>();
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    return bytes;
}

json to_json(const std::vector<NamedValue>& values) {
    json list = json::array();
    for (const NamedValue& value : values) {
        json item{{"name", value.name}, {"value", bytes_to_json(value.value)}};
        if (value.secret) {
            item["secret"] = true;
        }
        list.push_back(std::move(item));
    }
    return list;
}

std::vector<NamedValue> values_from_json(const json& list) {
    std::vector<NamedValue> values;
    for (const json& item : list) {
        values.push_back(
            {item.at("name").get<std::string>(), bytes_from_json(item.at("value")), item.value("secret", false)});
    }
    return values;
}

std::optional<Stage> stage_from(std::string_view text) {
    for (const Stage stage : {Stage::creating, Stage::live, Stage::removing}) {
        if (text.starts_with(stage_text(stage))) {
            return stage;
        }
    }
    return std::nullopt;
}

}  // namespace

std::string_view stage_text(Stage stage) {
    switch (stage) {
        case Stage::live:
            return "live    \n";
        case Stage::removing:
            return "removing\n";
        case Stage::creating:
            break;
    }
    return "creating\n";
}

std::string_view word_of(Network network) {
    switch (network) {
        case Network::host:
            return "host";
        case Network::outbound:
            return "outbound";
        case Network::none:
            break;
    }
    return "none";
}

Network network_from(std::string_view word) {
    return word == "host" ? Network::host : word == "outbound" ? Network::outbound : Network::none;
}

std::string to_text(const Record& record) {
    json text{{"format", format},
              {"id", record.id},
              {"generation", record.generation},
              {"created_at_ms", record.created_at_ms},
              {"idempotency_key", bytes_to_json(record.idempotency_key)},
              {"directory", bytes_to_json(record.directory)},
              {"timeout_ms", record.timeout_ms},
              {"network", word_of(record.network)},
              {"persistent", record.persistent},
              {"environment", to_json(record.environment)},
              {"labels", to_json(record.labels)}};
    if (!record.secret_names.empty()) {
        text["secret_names"] = record.secret_names;
    }
    if (record.uid) {
        text["uid"] = *record.uid;
    }
    if (record.root) {
        text["root"] = {{"name", record.root->name},
                        {"tree", bytes_to_json(record.root->tree)},
                        {"tree_ids", record.root->tree_ids},
                        {"ids", record.root->ids}};
    }
    if (record.memory_limit_mib) {
        text["memory_limit_mib"] = *record.memory_limit_mib;
    }
    if (record.cpu_limit) {
        text["cpu_limit"] = *record.cpu_limit;
    }
    if (record.pids_limit) {
        text["pids_limit"] = *record.pids_limit;
    }
    if (record.expires_at_ms > 0) {
        text["expires_at_ms"] = record.expires_at_ms;
    }
    if (record.idle_ttl_ms > 0) {
        text["idle_ttl_ms"] = record.idle_ttl_ms;
    }
    if (record.name) {
        text["name"] = bytes_to_json(*record.name);
    }
    return std::string(stage_text(record.stage)) + text.dump(1) + "\n";
}

std::optional<Record> parse_record(std::string_view text) {
    try {
        const std::optional<Stage> stage = stage_from(text);
        if (!stage) {
            return std::nullopt;
        }
        const json from = json::parse(text.substr(stage_text(*stage).size()));
        if (from.at("format") != format) {
            return std::nullopt;
        }
        Record record;
        record.id = from.at("id").get<std::string>();
        record.stage = *stage;
        record.generation = from.at("generation").get<std::uint64_t>();
        record.created_at_ms = from.at("created_at_ms").get<std::int64_t>();
        record.idempotency_key = bytes_from_json(from.at("idempotency_key"));
        record.directory = bytes_from_json(from.at("directory"));
        record.timeout_ms = from.at("timeout_ms").get<std::int64_t>();
        record.network = network_from(from.at("network").get<std::string>());
        record.persistent = from.at("persistent").get<bool>();
        record.environment = values_from_json(from.at("environment"));
        record.labels = values_from_json(from.at("labels"));
        record.secret_names = from.value("secret_names", std::vector<std::string>{});
        record.expires_at_ms = from.value("expires_at_ms", std::int64_t{0});
        record.idle_ttl_ms = from.value("idle_ttl_ms", std::int64_t{0});
        if (from.contains("uid")) {
            record.uid = from.at("uid").get<std::uint32_t>();
        }
        if (from.contains("root")) {
            const json& root = from.at("root");
            record.root = TemplateRoot{root.at("name").get<std::string>(), bytes_from_json(root.at("tree")),
                                       root.at("tree_ids").get<std::uint32_t>(), root.at("ids").get<std::uint32_t>()};
        }
        if (from.contains("memory_limit_mib")) {
            record.memory_limit_mib = from.at("memory_limit_mib").get<std::uint64_t>();
        }
        if (from.contains("cpu_limit")) {
            record.cpu_limit = from.at("cpu_limit").get<double>();
        }
        if (from.contains("pids_limit")) {
            record.pids_limit = from.at("pids_limit").get<std::uint64_t>();
        }
        if (from.contains("name")) {
            record.name = bytes_from_json(from.at("name"));
        }
        return record;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

std::string variables_text(const std::vector<NamedValue>& variables) {
    return to_json(variables).dump();
}

std::vector<NamedValue> parse_variables(const std::string& text) {
    return values_from_json(json::parse(text));
}

}  // namespace berth_local
