#include "plugin_directory.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

namespace misbehaving {

namespace fs = std::filesystem;
using namespace berth;

PluginDirectory::PluginDirectory(std::initializer_list<std::string_view> names) {
    std::string pattern = (fs::temp_directory_path() / "berth-misbehaving-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
    add("good", "good.so");
    for (const auto name : names)
        if (name != "good") add(name, std::string(name) + ".so");
}

PluginDirectory::~PluginDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

fs::path PluginDirectory::add(std::string_view name, std::string_view file_name) {
    const auto target = path_ / file_name;
    const auto source = fs::path(BAD_PLUGINS) / (std::string(name) + ".so");
    fs::copy_file(source, target);
    // A build under umask 002 must not make every plugin one that others may change, nor a good one of a bad one.
    fs::permissions(target, fs::status(source).permissions() & ~fs::perms::group_write);
    return target;
}

Catalog PluginDirectory::read(const TrustRules& rules) const {
    SearchInput input;
    input.given.push_back(path_.string());
    return Catalog::read(input, rules);
}

const PluginFile& file_named(const Catalog& catalog, std::string_view file_name) {
    for (const auto& file : catalog.files()) {
        if (fs::path(file.path).filename() == file_name) return file;
    }
    FAIL("the catalog has no " << std::string(file_name));
    throw std::logic_error("not reached: FAIL throws");
}

Error refusal_of(std::string_view name) {
    const PluginDirectory directory{name};
    const auto rules = TrustRules::of_this_process();
    const auto catalog = directory.read(rules);
    const auto& good = load_plugin(catalog.find("good"), rules, directory.copies());
    CHECK(good.has(Method::create));
    const auto& file = file_named(catalog, std::string(name) + ".so");
    try {
        (void)load_plugin(file, rules, directory.copies());
    } catch (const Error& error) {
        CHECK(error.fields().location == file.path);
        return error;
    }
    FAIL("the plugin " << std::string(name) << " is not refused");
    throw std::logic_error("not reached: FAIL throws");
}

bool says(const Error& error, std::initializer_list<std::string_view> words) {
    const std::string_view line = error.what();
    for (const auto word : words) {
        if (line.find(word) == std::string_view::npos) {
            MESSAGE("does not say " << std::string(word) << ": " << std::string(line));
            return false;
        }
    }
    return true;
}

}  // namespace misbehaving
