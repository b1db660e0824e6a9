// create, get, list, destroy, is_ready: docs/contract.md 3.1-3.4 and 3.10.
#include <algorithm>
#include <stop_token>
#include <thread>
#include <tuple>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

SandboxConfig with_setup(std::vector<std::string> lines) {
    SandboxConfig config;
    config.setup_commands = std::move(lines);
    return config;
}

std::vector<std::string> ids_of(Context& context) {
    const auto listing = context.host().list(context.provider(), Context::bounded());
    if (!listing.failures.empty()) context.fail(std::string("list failed: ") + listing.failures.front().what());
    std::vector<std::string> ids;
    for (const auto& info : listing.sandboxes)
        ids.push_back(info.id);
    return ids;
}

bool contains(const std::vector<std::string>& ids, const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

void empty_config(Context& context) {
    const auto info = context.create({});
    context.equal(info.state, SandboxState::ready, "state after create");
    context.equal(info.provider, context.provider(), "provider in the info");
    context.expect(!info.id.empty() && info.id.size() <= 128, "the id has 1 to 128 bytes");
    context.expect(info.created_at.time_since_epoch().count() > 0, "created_at is set");
    context.expect(context.host().is_ready({info.provider, info.id}, Context::bounded()), "it is ready");
}

void info_is_the_truth(Context& context) {
    SandboxConfig config;
    config.name = "a name with spaces, ünïcode";
    config.labels = {{"team", "core"}, {"empty", ""}};
    config.environment.env = {{"GREETING", "hello world"}, {"EMPTY", ""}};
    const auto made = context.create(config);
    const auto info = context.host().get({made.provider, made.id}, Context::bounded());
    context.equal(info.id, made.id, "id");
    context.equal(info.name, config.name, "name");
    for (const auto& [label, value] : config.labels) {
        context.expect(info.labels.contains(label) && info.labels.at(label) == value, "label " + label + " is kept");
    }
    for (const auto& [variable, value] : config.environment.env) {
        context.expect(info.environment.env.contains(variable) && info.environment.env.at(variable) == value,
                       "variable " + variable + " is in the environment");
    }
    context.expect(info.environment.cwd && !info.environment.cwd->empty(), "cwd is filled in");
    context.equal(info.created_at.time_since_epoch().count(), made.created_at.time_since_epoch().count(), "created_at");
}

void same_name_twice(Context& context) {
    SandboxConfig config;
    config.name = "twin";
    context.expect(context.create(config).id != context.create(config).id, "two sandboxes of one name have two ids");
}

void same_key_same_sandbox(Context& context) {
    SandboxConfig config;
    config.idempotency_key = "conformance-" + context.unique_path("key") + "-" + context.fresh().id;
    const auto first = context.create(config);
    context.equal(context.create(config).id, first.id, "id of the second create with the same key");
    context.equal(context.host().get({first.provider, first.id}, Context::bounded()).idempotency_key,
                  config.idempotency_key, "key in the info");
}

void secrets_are_masked(Context& context) {
    SandboxConfig config;
    config.environment.env = {{"TOKEN", "canary-9d1f"}, {"PLAIN", "seen"}};
    config.secret_env = {"TOKEN"};
    const auto sandbox = context.fresh(config);
    const auto info = context.host().get(sandbox, Context::bounded());
    context.equal(info.environment.env.at("TOKEN"), std::string("***"), "a secret in the info");
    context.equal(info.environment.env.at("PLAIN"), std::string("seen"), "a plain value in the info");
    context.equal(context.output_of(sandbox, "printf %s \"$TOKEN\""), std::string("canary-9d1f"),
                  "the process sees the value");
}

void initial_files_come_before_setup(Context& context) {
    SandboxConfig config = with_setup({"cat seed > copied", "printf done >> copied"});
    FileOperation seed;
    seed.sandbox_path = "seed";
    seed.content = "from the host\n";
    config.initial_files.push_back(seed);
    context.equal(context.output_of(context.fresh(config), "cat copied"), std::string("from the host\ndone"),
                  "what setup made of the initial file");
}

void setup_has_env_and_cwd(Context& context) {
    SandboxConfig config = with_setup({"printf '%s %s' \"$COLOUR\" \"$PWD\" > seen"});
    config.environment.env = {{"COLOUR", "blue green"}};
    const auto sandbox = context.fresh(config);
    const auto cwd = context.host().get(sandbox, Context::bounded()).environment.cwd.value_or("");
    context.equal(context.output_of(sandbox, "cat seen"), "blue green " + cwd, "environment of setup");
}

void failed_setup_leaves_nothing(Context& context) {
    const auto before = ids_of(context);
    const auto error = context.refused(
        Code::execution_failed,
        [&] {
            context.create(with_setup({"true", "echo visible; echo hidden >&2; exit 9", "true"}));
        },
        "a setup command that exits 9");
    context.expect(error.fields().index == std::uint64_t{1}, "the error names the command's index");
    const auto detail = [&](std::string_view name) {
        for (const auto& [key, value] : error.fields().details) {
            if (key == name) return value;
        }
        return std::string("absent");
    };
    context.equal(detail("exit_code"), std::string("9"), "exit code in the details");
    context.equal(detail("stdout"), std::string("visible\n"), "stdout in the details");
    context.equal(detail("stderr"), std::string("hidden\n"), "stderr in the details");
    context.expect(ids_of(context) == before, "nothing is left in list");
}

void missing_initial_file(Context& context) {
    const auto before = ids_of(context);
    SandboxConfig config;
    FileOperation missing;
    missing.local_path = "/nonexistent/berth/file";
    missing.sandbox_path = "x";
    config.initial_files = {FileOperation{"", "first", {}, "content"}, missing};
    const auto error = context.refused(
        Code::file_not_found, [&] { context.create(config); }, "a missing local file");
    context.expect(error.fields().index == std::uint64_t{1}, "the error names the file's index");
    context.expect(error.fields().path.has_value(), "the error names the path");
    context.expect(ids_of(context) == before, "nothing is left in list");
}

void bad_arguments(Context& context) {
    const auto before = ids_of(context);
    const auto refuse = [&](const char* what, const std::function<void(SandboxConfig&)>& change) {
        SandboxConfig config;
        change(config);
        context.refused(
            Code::invalid_argument, [&] { context.create(config); }, what);
    };
    refuse("a variable name with a dash", [](SandboxConfig& config) { config.environment.env = {{"A-B", "x"}}; });
    refuse("a variable with NUL", [](SandboxConfig& config) {
        config.environment.env = {{"A", std::string("a\0b", 3)}};
    });
    refuse("a negative timeout", [](SandboxConfig& config) { config.environment.timeout = Milliseconds{-1}; });
    refuse("a CPU limit that is no number",
           [](SandboxConfig& config) { config.environment.cpu_limit = std::stod("nan"); });
    refuse("a negative CPU limit", [](SandboxConfig& config) { config.environment.cpu_limit = -1; });
    refuse("a name with a control character", [](SandboxConfig& config) { config.name = "a\nb"; });
    refuse("a name of 129 bytes", [](SandboxConfig& config) { config.name = std::string(129, 'x'); });
    refuse("a set-uid mode", [](SandboxConfig& config) {
        config.initial_files = {FileOperation{"", "x", 04755U, "content"}};
    });
    refuse("mode 0", [](SandboxConfig& config) { config.initial_files = {FileOperation{"", "x", 0U, "content"}}; });
    context.expect(ids_of(context) == before, "nothing was made");
}

void limits_need_features(Context& context) {
    const auto check = [&](std::string_view feature, const std::function<void(SandboxConfig&)>& change) {
        if (context.offers(feature)) return;
        SandboxConfig config;
        change(config);
        context.refused(
            Code::unsupported, [&] { context.create(config); }, "a field of feature " + std::string(feature));
    };
    check("memory_limit", [](SandboxConfig& config) { config.environment.memory_limit_mib = 64; });
    check("cpu_limit", [](SandboxConfig& config) { config.environment.cpu_limit = 50; });
    check("disk_limit", [](SandboxConfig& config) { config.disk_limit_mib = 64; });
    check("pids_limit", [](SandboxConfig& config) { config.pids_limit = 64; });
    check("ttl", [](SandboxConfig& config) { config.ttl = Milliseconds{60'000}; });
    check("idle_ttl", [](SandboxConfig& config) { config.idle_ttl = Milliseconds{60'000}; });
    check("template", [](SandboxConfig& config) { config.template_name = "anything"; });
    check("network_outbound", [](SandboxConfig& config) { config.network = NetworkMode::outbound; });
    check("network_allow_list", [](SandboxConfig& config) { config.network = NetworkMode::allow_list; });
}

void unknown_template(Context& context) {
    SandboxConfig config;
    config.template_name = "no-such-template-9d1f";
    context.refused(
        Code::template_not_found, [&] { context.create(config); }, "an unknown template");
}

void cancelled_before(Context& context) {
    const auto before = ids_of(context);
    std::stop_source stop;
    stop.request_stop();
    CallOptions options = Context::bounded();
    options.stop = stop.get_token();
    CreateRequest request;
    request.provider = context.provider();
    const auto error = context.refused(
        Code::cancelled, [&] { context.host().create(request, options); }, "a create cancelled beforehand");
    context.expect(error.fields().outcome == Outcome::none, "nothing happened");
    context.expect(ids_of(context) == before, "nothing is left in list");
}

void cancelled_in_setup(Context& context) {
    const auto before = ids_of(context);
    std::stop_source stop;
    CallOptions options = Context::bounded();
    options.stop = stop.get_token();
    // The caller gives up as soon as the sandbox shows in list, while its setup would still run for an hour.
    std::thread watcher([&] {
        try {
            wait_until(
                context, [&] { return ids_of(context).size() > before.size(); }, "the new sandbox in list");
        } catch (const std::exception&) {
            // The create below then ends by its deadline, and the case fails on the code.
        }
        stop.request_stop();
    });
    CreateRequest request;
    request.provider = context.provider();
    request.config = with_setup({"sleep 3600"});
    std::exception_ptr failure;
    try {
        context.refused(
            Code::cancelled, [&] { context.host().create(request, options); }, "a create cut in setup");
    } catch (...) {
        failure = std::current_exception();
    }
    watcher.join();
    if (failure) std::rethrow_exception(failure);
    context.expect(ids_of(context) == before, "no orphan is left");
}

void deadline_in_setup(Context& context) {
    const auto before = ids_of(context);
    CallOptions options;
    options.deadline = Milliseconds{3'000};
    CreateRequest request;
    request.provider = context.provider();
    request.config = with_setup({"sleep 3600"});
    context.refused(
        Code::timeout, [&] { context.host().create(request, options); }, "a create over its deadline");
    context.expect(ids_of(context) == before, "no orphan is left");
}

void unknown_id(Context& context) {
    const SandboxName nobody{context.provider(), "no-such-sandbox-9d1f"};
    auto& host = context.host();
    const auto options = Context::bounded();
    context.refused(
        Code::not_found, [&] { host.get(nobody, options); }, "get");
    context.refused(
        Code::not_found, [&] { host.destroy(nobody, options); }, "destroy");
    context.refused(
        Code::not_found, [&] { host.execute(nobody, Context::process({"true"}), options); }, "execute");
    context.refused(
        Code::not_found, [&] { host.execute_stream(nobody, Context::process({"true"}), options).wait(); },
        "execute_stream");
    const std::vector<FileOperation> file{FileOperation{"", "x", {}, "content"}};
    context.refused(
        Code::not_found, [&] { host.upload_files(nobody, file, options); }, "upload_files");
    const HostDirectory directory;
    const std::vector<FileOperation> out{FileOperation{directory.path("x"), "x", {}, {}}};
    context.refused(
        Code::not_found, [&] { host.download_files(nobody, out, options); }, "download_files");
    context.refused(
        Code::not_found, [&] { host.get_resource_usage(nobody, options); }, "get_resource_usage");
    context.refused(
        Code::not_found, [&] { host.restart(nobody, options); }, "restart");
    context.expect(!host.is_ready(nobody, options), "is_ready of an unknown id is false, not an error");
}

void malformed_id(Context& context) {
    for (const std::string id : {"", ".", "..", "../x", "a/b", "a b", "ä"}) {
        context.refused(
            Code::invalid_argument,
            [&] {
                context.host().get({context.provider(), id}, Context::bounded());
            },
            "get of id " + shown(id));
    }
}

void list_and_get_agree(Context& context) {
    const auto first = context.create({});
    const auto second = context.create({});
    const auto ids = ids_of(context);
    context.expect(contains(ids, first.id) && contains(ids, second.id), "both are listed");
    const auto listing = context.host().list(context.provider(), Context::bounded());
    context.expect(std::is_sorted(listing.sandboxes.begin(), listing.sandboxes.end(),
                                  [](const SandboxInfo& left, const SandboxInfo& right) {
                                      return std::tie(left.created_at, left.id) < std::tie(right.created_at, right.id);
                                  }),
                   "list is ordered by created_at, then id");
    for (const auto& id : {first.id, second.id}) {
        context.equal(context.host().get({context.provider(), id}, Context::bounded()).id, id, "get of a listed id");
    }
}

void get_changes_nothing(Context& context) {
    const auto sandbox = context.fresh();
    context.run(sandbox, {"true"});
    const auto before = context.host().get(sandbox, Context::bounded());
    const auto after = context.host().get(sandbox, Context::bounded());
    context.expect(before.last_used_at == after.last_used_at, "get does not change last_used_at");
    context.expect(after.last_used_at.has_value(), "execute has set last_used_at");
}

void destroy_is_final(Context& context) {
    const auto sandbox = context.fresh();
    context.host().destroy(sandbox, Context::bounded());
    context.refused(
        Code::not_found, [&] { context.host().get(sandbox, Context::bounded()); }, "get after destroy");
    context.refused(
        Code::not_found, [&] { context.host().destroy(sandbox, Context::bounded()); }, "a second destroy");
    context.expect(!contains(ids_of(context), sandbox.id), "it is not listed");
    context.expect(!context.host().is_ready(sandbox, Context::bounded()), "it is not ready");
}

void ids_are_not_reused(Context& context) {
    const auto sandbox = context.fresh();
    context.host().destroy(sandbox, Context::bounded());
    for (int round = 0; round < 3; ++round)
        context.expect(context.fresh().id != sandbox.id, "a new id");
}

}  // namespace

std::vector<Case> lifecycle_cases() {
    return {
        {"lifecycle", "an empty configuration gives a ready sandbox", empty_config, {}},
        {"lifecycle", "get tells what create was given", info_is_the_truth, {}},
        {"lifecycle", "one name twice gives two sandboxes", same_name_twice, {}},
        {"lifecycle", "the same idempotency key gives the same sandbox", same_key_same_sandbox, {}},
        {"lifecycle", "values of secret variables are masked", secrets_are_masked, {}},
        {"lifecycle", "initial files are there when setup runs", initial_files_come_before_setup, {}},
        {"lifecycle", "setup commands have environment and cwd", setup_has_env_and_cwd, {}},
        {"lifecycle", "a failed setup command is told in full and leaves nothing", failed_setup_leaves_nothing, {}},
        {"lifecycle", "a missing initial file is named and leaves nothing", missing_initial_file, {}},
        {"lifecycle", "malformed configurations make nothing", bad_arguments, {}},
        {"lifecycle", "a restriction that cannot be kept is refused", limits_need_features, {}},
        {"lifecycle", "an unknown template is TEMPLATE_NOT_FOUND", unknown_template, {"template"}},
        {"lifecycle", "a create cancelled beforehand does nothing", cancelled_before, {}},
        {"lifecycle", "a create cancelled in setup leaves no orphan", cancelled_in_setup, {}},
        {"lifecycle", "a create over its deadline is TIMEOUT and leaves nothing", deadline_in_setup, {}},
        {"lifecycle", "an unknown id is NOT_FOUND everywhere but in is_ready", unknown_id, {}},
        {"lifecycle", "a malformed id is INVALID_ARGUMENT", malformed_id, {}},
        {"lifecycle", "list and get agree, in order", list_and_get_agree, {}},
        {"lifecycle", "get does not count as use", get_changes_nothing, {}},
        {"lifecycle", "a destroyed sandbox is gone", destroy_is_final, {}},
        {"lifecycle", "ids are not reused", ids_are_not_reused, {}},
    };
}

}  // namespace berth::inline host_v1::conformance
