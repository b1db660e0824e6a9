// Throw-away root directories: made, copied, measured, removed, whatever modes a sandbox gave to its files. Knows no
// vendor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace standin {

/// The account that the commands of a sandbox seem to have.
struct Account {
    std::string name;
    std::string home;
};

/// A root with what programs expect; the home is the account's, the rest can only root change.
void make_root(const std::filesystem::path& root, const Account& account);
void copy_tree(const std::filesystem::path& from, const std::filesystem::path& to);
[[nodiscard]] std::uintmax_t size_of_tree(const std::filesystem::path& tree);
void remove_tree(const std::filesystem::path& tree);

}  // namespace standin
