// Throw-away root directories: made, copied, measured, removed, whatever modes a sandbox gave to its files. Knows no
// vendor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace standin {

/// The account that the commands of a sandbox seem to have.
struct Account {
    std::string name;
    std::string home;
};

/// A root with what programs expect; the home is the account's, the rest can only root change.
/// `tools` are programs that this machine may lack, as scripts in tool_directory, which belongs at the end of PATH.
struct Tool {
    std::string name;
    std::string text;
};
inline constexpr const char* tool_directory = "/opt/standin/bin";
void make_root(const std::filesystem::path& root, const Account& account, const std::vector<Tool>& tools = {});
void copy_tree(const std::filesystem::path& from, const std::filesystem::path& to);
[[nodiscard]] std::uintmax_t size_of_tree(const std::filesystem::path& tree);
void remove_tree(const std::filesystem::path& tree);

}  // namespace standin
