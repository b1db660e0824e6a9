// The contract check on structs made by hand: sizes, required members, manifest against table.
#include "plugin/contract_check.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace berth;

namespace {

/// A complete plugin with the required methods, made anew for each test.
struct Example {
    berth_methods methods{};
    berth_plugin plugin{};
    Manifest manifest;

    Example() {
        methods.size = sizeof methods;
        methods.create = [](void*, berth_call*, const berth_sandbox_config*, berth_file_source*, berth_info_sink*) {
            return berth_status{0};
        };
        methods.get = methods.restart = [](void*, berth_call*, berth_str, berth_info_sink*) { return berth_status{0}; };
        methods.list = [](void*, berth_call*, berth_info_sink*) { return berth_status{0}; };
        methods.destroy = [](void*, berth_call*, berth_str) { return berth_status{0}; };
        methods.execute = methods.execute_stream = [](void*, berth_call*, berth_str, const berth_process*,
                                                      berth_process_sink*) { return berth_status{0}; };
        methods.upload_files = [](void*, berth_call*, berth_str, berth_file_source*) { return berth_status{0}; };
        methods.download_files = [](void*, berth_call*, berth_str, berth_strs, berth_file_sink*) {
            return berth_status{0};
        };
        methods.get_resource_usage = [](void*, berth_call*, berth_str, berth_usage_sink*) { return berth_status{0}; };
        methods.is_ready = [](void*, berth_call*, berth_str, berth_ready_sink*) { return berth_status{0}; };
        plugin.size = sizeof plugin;
        plugin.methods = &methods;
        plugin.open = [](const berth_host*, berth_call*, void**) { return berth_status{0}; };
        plugin.describe = [](void*, berth_call*, berth_feature_sink*) { return berth_status{0}; };
        plugin.close = [](void*) {};
        manifest.provides = {"create",
                             "get",
                             "list",
                             "destroy",
                             "execute",
                             "execute_stream",
                             "upload_files",
                             "download_files",
                             "get_resource_usage",
                             "is_ready",
                             "restart"};
    }

    [[nodiscard]] std::string refusal() const {
        try {
            (void)check_contract(plugin, manifest);
        } catch (const Error& error) {
            return error.what();
        }
        return "taken";
    }
};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a complete plugin without get_extension is taken") {
    const Example example;
    const auto admitted = check_contract(example.plugin, example.manifest);
    CHECK((admitted.methods.create == example.methods.create));
    CHECK_FALSE(admitted.snapshots.has_value());
}

TEST_CASE("bytes beyond what the plugin's size covers are never taken for members") {
    Example example;
    example.plugin.size = 48;
    example.methods.get_logs = [](void*, berth_call*, berth_str, const berth_log_options*, berth_bytes_sink*) {
        return berth_status{0};
    };
    CHECK(has(example.refusal(), "the table has get_logs"));
    // A table that claims to end before 1.0 does is no table of 1.0.
    example.methods.size = offsetof(berth_methods, get_logs);
    CHECK(has(example.refusal(), "BERTH-P-23"));
}

TEST_CASE("sizes of zero and sizes just below are refused, all others not") {
    Example example;
    for (const std::uint32_t size : {0U, 8U, 47U}) {
        example.plugin.size = size;
        CHECK(has(example.refusal(), "BERTH-P-23"));
    }
    example.plugin.size = sizeof(berth_plugin);
    example.methods.size = 135;
    CHECK(has(example.refusal(), "BERTH-P-23"));
}

TEST_CASE("members of the plugin itself that are null") {
    Example example;
    example.plugin.methods = nullptr;
    example.plugin.open = nullptr;
    CHECK(has(example.refusal(), "methods and open"));
    CHECK(has(example.refusal(), "BERTH-P-24"));
}

TEST_CASE("every required method is really required, and all that are missing are named") {
    Example example;
    example.methods.get = nullptr;
    example.methods.restart = nullptr;
    example.methods.is_ready = nullptr;
    CHECK(has(example.refusal(), "3 of the 11 required methods are null in its table: get, is_ready and restart"));
}

TEST_CASE("differences in both directions come in one message") {
    Example example;
    example.manifest.provides.emplace_back("create_snapshot");
    example.methods.get_environment_variables = [](void*, berth_call*, berth_str, berth_pairs_sink*) {
        return berth_status{0};
    };
    const auto text = example.refusal();
    CHECK(has(text, "BERTH-P-25"));
    CHECK(has(text, "the manifest provides create_snapshot, the table does not"));
    CHECK(has(text, "the table has get_environment_variables, the manifest does not say so"));
}

TEST_CASE("extensions: the id in the manifest and what get_extension gives have to agree") {
    static berth_snapshots snapshots{};
    snapshots.size = sizeof snapshots;
    snapshots.list = [](void*, berth_call*, berth_snapshot_sink*) { return berth_status{0}; };
    snapshots.remove = [](void*, berth_call*, berth_str) { return berth_status{0}; };
    Example example;
    example.plugin.get_extension = [](berth_str id) -> const void* {
        return std::string_view(id.data, id.size) == BERTH_SNAPSHOTS_EXTENSION ? &snapshots : nullptr;
    };
    CHECK(has(example.refusal(), "the table has berth.snapshots/1"));
    example.manifest.provides.emplace_back(BERTH_SNAPSHOTS_EXTENSION);
    CHECK((check_contract(example.plugin, example.manifest).snapshots->remove == snapshots.remove));
    snapshots.size = 16;
    CHECK(has(example.refusal(), "table of berth.snapshots/1"));
    snapshots.size = sizeof snapshots;
    example.manifest.provides.emplace_back("com.acme.gpu/1");
    CHECK(has(example.refusal(), "the manifest provides com.acme.gpu/1"));
}

TEST_CASE("an extension lookup that throws is the plugin's fault") {
    Example example;
    example.plugin.get_extension = [](berth_str) -> const void* { throw 7; };
    CHECK(has(example.refusal(), "BERTH-P-22"));
}

TEST_CASE("a method this host does not know is believed only of a later minor version") {
    Example example;
    example.manifest.provides.emplace_back("hibernate");
    CHECK(has(example.refusal(), "the manifest provides hibernate"));
    example.plugin.minor = BERTH_CONTRACT_MINOR + 1;
    CHECK(example.refusal() == "taken");
}
