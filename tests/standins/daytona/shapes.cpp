#include "shapes.hpp"

#include <array>
#include <ctime>

namespace standin::daytona {

std::string time_text(Milliseconds time) {
    const auto seconds = static_cast<std::time_t>(time / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 64> text{};
    const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    const auto rest = std::to_string(1000 + time % 1000);
    return std::string(text.data(), length) + "." + rest.substr(1) + "Z";
}

Json shape(World& world, const Sandbox& sandbox, Detail detail) {
    Json object = sandbox.settings;
    auto proxy = world.proxy_url;
    if (world.behaviour.empty_proxy_urls > 0) {
        --world.behaviour.empty_proxy_urls;
        proxy.clear();
    }
    object.update({{"id", sandbox.id},
                   {"name", sandbox.name},
                   {"organizationId", "00000000-0000-4000-8000-000000000001"},
                   {"state", sandbox.state},
                   {"desiredState", sandbox.desired_state},
                   {"user", sandbox.user},
                   {"labels", sandbox.labels},
                   {"cpu", sandbox.cpu},
                   {"memory", sandbox.memory},
                   {"disk", sandbox.disk_size},
                   {"gpu", sandbox.gpu},
                   {"target", sandbox.target},
                   {"autoStopInterval", sandbox.auto_stop},
                   {"autoArchiveInterval", sandbox.auto_archive},
                   {"autoDeleteInterval", sandbox.auto_delete},
                   {"createdAt", time_text(sandbox.created_at)},
                   {"updatedAt", time_text(sandbox.updated_at)},
                   {"lastActivityAt", time_text(sandbox.last_activity)},
                   {"sandboxClass", "container"},
                   {"daemonVersion", world.behaviour.daemon_version},
                   {"runnerId", "runner-1"},
                   {"toolboxProxyUrl", proxy}});
    if (!sandbox.snapshot.empty()) object["snapshot"] = sandbox.snapshot;
    if (!sandbox.error_reason.empty()) {
        object["errorReason"] = sandbox.error_reason;
        object["recoverable"] = sandbox.recoverable;
    }
    if (sandbox.ttl > 0) object["autoDestroyAt"] = time_text(sandbox.created_at + sandbox.ttl * 60000);
    if (detail == Detail::list_item) return object;
    object["env"] = sandbox.env;
    object["volumes"] = sandbox.volumes;
    if (!sandbox.build.is_null()) object["buildInfo"] = sandbox.build;
    return object;
}

Json shape(const Snapshot& snapshot) {
    Json object{{"id", snapshot.id},
                {"name", snapshot.name},
                {"state", snapshot.state},
                {"errorReason", snapshot.error_reason.empty() ? Json() : Json(snapshot.error_reason)},
                {"cpu", snapshot.cpu},
                {"mem", snapshot.memory},
                {"disk", snapshot.disk_size},
                {"gpu", 0},
                {"size", snapshot.state == "active" ? Json(0.1) : Json()},
                {"general", snapshot.general},
                {"regionIds", {"eu"}},
                {"entrypoint", nullptr},
                {"createdAt", time_text(snapshot.created_at)},
                {"updatedAt", time_text(snapshot.updated_at)},
                {"lastUsedAt", nullptr}};
    if (!snapshot.image.empty()) object["imageName"] = snapshot.image;
    if (!snapshot.source_sandbox.empty()) object["sourceSandboxId"] = snapshot.source_sandbox;
    return object;
}

Json shape(const ShellCommand& command) {
    Json object{{"id", command.id}, {"command", command.text}};
    if (command.exit_code) object["exitCode"] = *command.exit_code;
    return object;
}

Json shape(const Shell& shell) {
    auto commands = Json::array();
    for (const auto& command : shell.commands) {
        commands.push_back(shape(*command));
    }
    return {{"sessionId", shell.id}, {"commands", commands}};
}

}  // namespace standin::daytona
