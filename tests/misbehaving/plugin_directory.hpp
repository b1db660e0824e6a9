// A private directory with copies of bad plugins and one good one beside them, for one test.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

#include "plugin/catalog.hpp"
#include "plugin/loader.hpp"

namespace misbehaving {

class PluginDirectory {
public:
    /// Copies NAME.so for each name, and good.so.
    PluginDirectory(std::initializer_list<std::string_view> names);
    PluginDirectory(const PluginDirectory&) = delete;
    PluginDirectory& operator=(const PluginDirectory&) = delete;
    ~PluginDirectory();

    /// Copies NAME.so under another file name.
    std::filesystem::path add(std::string_view name, std::string_view file_name);
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    /// Where private copies go.
    [[nodiscard]] std::string copies() const { return (path_ / "copies").string(); }
    [[nodiscard]] berth::Catalog read(const berth::TrustRules& rules = berth::TrustRules::of_this_process()) const;

private:
    std::filesystem::path path_;
};

/// The entry of the catalog with that file name; fails the test when there is none.
[[nodiscard]] const berth::PluginFile& file_named(const berth::Catalog& catalog, std::string_view file_name);
const berth::PluginFile& file_named(berth::Catalog&&, std::string_view) = delete;

/// Why NAME.so is refused: when it is read or, if that went well, when it is loaded. Fails the test when it is not
/// refused, or when the good plugin beside it does not load.
[[nodiscard]] berth::Error refusal_of(std::string_view name);

/// Whether the text holds every one of the words.
[[nodiscard]] bool says(const berth::Error& error, std::initializer_list<std::string_view> words);

}  // namespace misbehaving
