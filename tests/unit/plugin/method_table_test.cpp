// The table of methods: complete, in order, and as the contract's header has it.
#include "plugin/method_table.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace berth;

TEST_CASE("16 methods, 11 of them required, and the rows of the extension") {
    CHECK(method_names().size() == 16);
    int required = 0;
    for (const auto& row : method_table)
        required += row.extension.empty() && row.requirement == MethodNeed::required ? 1 : 0;
    CHECK(required == 11);
    CHECK(find_method("list_snapshots")->extension == "berth.snapshots/1");
    CHECK(extension_ids() == std::vector<std::string>{"berth.snapshots/1"});
}

TEST_CASE("each row is found by its name, and its camel name is the same name") {
    std::set<std::string_view> names;
    for (const auto& row : method_table) {
        CHECK(find_method(row.name) == &row);
        CHECK(&row_of(row.method) == &row);
        CHECK(names.insert(row.name).second);
        std::string camel;
        for (std::size_t index = 0; index < row.name.size(); ++index) {
            const bool joint = row.name[index] == '_';
            if (joint) ++index;
            camel += joint ? static_cast<char>(row.name[index] - 'a' + 'A') : row.name[index];
        }
        CHECK(row.camel_name == camel);
    }
    CHECK(find_method("createSnapshot") == nullptr);
    CHECK(find_method("") == nullptr);
}

TEST_CASE("a row points at its own member") {
    berth_methods methods{};
    const auto only = [&](Method method) {
        for (const auto& row : method_table) {
            if (!row.extension.empty()) continue;
            if (has_member(&methods, sizeof methods, row) != (row.method == method)) return false;
        }
        return true;
    };
    methods.create = [](void*, berth_call*, const berth_sandbox_config*, berth_file_source*, berth_info_sink*) {
        return berth_status{BERTH_OK};
    };
    CHECK(only(Method::create));
    methods.create = nullptr;
    methods.get_environment_variables = [](void*, berth_call*, berth_str, berth_pairs_sink*) {
        return berth_status{BERTH_OK};
    };
    CHECK(only(Method::get_environment_variables));
    // Not there in a struct that ends before it.
    CHECK_FALSE(has_member(&methods, offsetof(berth_methods, get_environment_variables),
                           row_of(Method::get_environment_variables)));
}

TEST_CASE("destroy, get and is_ready pass the queues; nothing else does") {
    for (const auto& row : method_table) {
        const bool passes =
            row.method == Method::destroy || row.method == Method::get || row.method == Method::is_ready;
        CHECK((row.queue == Queue::passes) == passes);
    }
}

TEST_CASE("only what can be done twice is called idempotent") {
    CHECK(row_of(Method::create).idempotent == Idempotent::by_key);
    for (const auto method : {Method::execute, Method::execute_stream, Method::restart, Method::upload_files,
                              Method::create_snapshot, Method::restore_snapshot})
        CHECK(row_of(method).idempotent == Idempotent::no);
    CHECK(row_of(Method::destroy).idempotent == Idempotent::yes);
}

TEST_CASE("ids of extensions") {
    for (const auto* id : {"berth.snapshots/1", "com.acme.gpu/12", "a.b/1", "com.acme.two_words-x9/1"})
        CHECK(is_extension_id(id));
    for (const auto* id :
         {"", "/1", "snapshots/1", "berth.snapshots", "berth.snapshots/", "berth.snapshots/0", "berth.snapshots/01",
          "berth.snapshots/1a", "Berth.x/1", "berth..x/1", "berth.x./1", "berth.x/1/2", "berth.x/99999", "berth.9x/1"})
        CHECK_FALSE(is_extension_id(id));
    CHECK_FALSE(is_extension_id(std::string(130, 'a') + ".b/1"));
}

TEST_CASE("features have names and meanings") {
    CHECK(feature_names().size() == feature_table.size());
    for (const auto& feature : feature_table) {
        CHECK(find_feature(feature.name) == &feature);
        CHECK_FALSE(feature.meaning.empty());
    }
    CHECK(find_feature("create") == nullptr);
}
