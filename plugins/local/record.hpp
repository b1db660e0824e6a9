// What is written down about one sandbox. Everything that can be seen from the machine itself (does it run?) is not in
// it: that is looked at each time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth_local {

struct NamedValue {
    std::string name;
    std::string value;
    bool secret = false;
};

// A root made from a template: the template stays as it is, what the sandbox changes lies in its own tree `root`.
struct TemplateRoot {
    std::string name;
    std::string tree;            // where the template's files are
    std::uint32_t tree_ids = 0;  // the first id that they belong to
    std::uint32_t ids = 0;       // the first of the sandbox's own ids, its uid 0
};

enum class Stage { creating, live, removing };

// What a sandbox reaches: nothing, what this machine reaches, or the world outside this machine.
enum class Network { none, host, outbound };

[[nodiscard]] std::string_view word_of(Network network);
// Anything unknown is none.
[[nodiscard]] Network network_from(std::string_view word);

struct Record {
    std::string id;
    Stage stage = Stage::creating;
    std::uint64_t generation = 1;      // grows with each restart
    std::optional<std::uint32_t> uid;  // the sandbox's own account, when we are root
    std::optional<TemplateRoot> root;  // absent: the host's
    std::int64_t created_at_ms = 0;
    std::string idempotency_key;
    std::optional<std::string> name;
    std::string directory = "/workspace";           // default working directory, absolute
    std::int64_t timeout_ms = 0;                    // default of a process; 0 = none
    std::int64_t expires_at_ms = 0;                 // when it is removed, whatever runs; 0 = never
    std::int64_t idle_ttl_ms = 0;                   // how long it may be without use; 0 = for ever
    std::optional<std::uint64_t> memory_limit_mib;  // limits as they are really given; absent: none
    std::optional<double> cpu_limit;                // percent, 100 = one core
    std::optional<std::uint64_t> pids_limit;
    Network network = Network::none;
    bool persistent = false;
    std::vector<NamedValue> environment;    // the sandbox's own variables, without defaults; values are bytes
    std::vector<std::string> secret_names;  // variables that were secret once and may be unset now
    std::vector<NamedValue> labels;
};

// The stage is the first line and always as long, so that it can change in place.
[[nodiscard]] std::string_view stage_text(Stage stage);
[[nodiscard]] std::string to_text(const Record& record);
// Absent: not a record, or one of another version.
[[nodiscard]] std::optional<Record> parse_record(std::string_view text);

// Variables alone, in the same form. Throws what the JSON library throws.
[[nodiscard]] std::string variables_text(const std::vector<NamedValue>& variables);
[[nodiscard]] std::vector<NamedValue> parse_variables(const std::string& text);

}  // namespace berth_local
