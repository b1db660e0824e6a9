#include "keys.hpp"

namespace berth::inline host_v1::section {

// Function-local constants: std::string because nearest_name() wants it, built when first asked for.

KeySection whole() {
    static const std::array<std::string, 6> keys{"version", "plugins", "providers", "select", "defaults", "http"};
    return {"", keys};
}

KeySection plugins() {
    static const std::array<std::string, 3> keys{"paths", "policy", "pins"};
    return {"plugins", keys};
}

KeySection provider() {
    static const std::array<std::string, 10> keys{
        "plugin",          "run",         "worker",    "requires",           "labels",
        "max_concurrency", "max_streams", "deadlines", "allow_restart_loss", "config"};
    return {"providers.*", keys};
}

KeySection worker() {
    static const std::array<std::string, 2> keys{"memory", "cpus"};
    return {"providers.*.worker", keys};
}

KeySection deadlines() {
    // The rows of the method table, which is in a later floor; a test compares the two.
    static const std::array<std::string, 18> keys{"create",
                                                  "get",
                                                  "list",
                                                  "destroy",
                                                  "execute",
                                                  "execute_stream",
                                                  "upload_files",
                                                  "download_files",
                                                  "get_resource_usage",
                                                  "is_ready",
                                                  "restart",
                                                  "create_snapshot",
                                                  "restore_snapshot",
                                                  "get_logs",
                                                  "set_environment_variables",
                                                  "get_environment_variables",
                                                  "list_snapshots",
                                                  "delete_snapshot"};
    return {"providers.*.deadlines", keys};
}

KeySection select() {
    static const std::array<std::string, 1> keys{"default"};
    return {"select", keys};
}

KeySection defaults() {
    static const std::array<std::string, 8> keys{"timeout",          "labels",    "kill_grace",     "drain_grace",
                                                 "max_output_bytes", "autostart", "on_unsupported", "download"};
    return {"defaults", keys};
}

KeySection download() {
    static const std::array<std::string, 2> keys{"max_files", "max_bytes"};
    return {"defaults.download", keys};
}

KeySection http() {
    static const std::array<std::string, 4> keys{"proxy", "no_proxy", "ca_file", "connect_timeout"};
    return {"http", keys};
}

std::array<KeySection, 9> all() {
    return {whole(), plugins(), provider(), worker(), deadlines(), select(), defaults(), download(), http()};
}

}  // namespace berth::inline host_v1::section
