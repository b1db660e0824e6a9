#include "method_table.hpp"

#include <algorithm>
#include <cstring>

namespace berth::inline host_v1 {

namespace {

constexpr bool rows_match_their_methods() {
    for (std::size_t index = 0; index < method_table.size(); ++index) {
        if (static_cast<std::size_t>(method_table[index].method) != index) return false;
    }
    return true;
}

/// Every member of `Table` behind `size` and `flags` must have a row: the struct has as many pointers as there are
/// rows.
template <typename Table>
constexpr bool rows_cover(std::string_view extension) {
    std::size_t rows = 0;
    for (const auto& row : method_table)
        rows += row.extension == extension ? 1 : 0;
    return sizeof(Table) == 2 * sizeof(std::uint32_t) + rows * sizeof(void*);
}

static_assert(rows_match_their_methods());
static_assert(rows_cover<berth_methods>({}), "a method of the contract has no row");
static_assert(rows_cover<berth_snapshots>(BERTH_SNAPSHOTS_EXTENSION), "a method of the extension has no row");

bool is_word_start(char character) noexcept {
    return character >= 'a' && character <= 'z';
}

bool is_word_character(char character) noexcept {
    return is_word_start(character) || (character >= '0' && character <= '9') || character == '_' || character == '-';
}

}  // namespace

const MethodRow* find_method(std::string_view name) noexcept {
    const auto* found =
        std::find_if(method_table.begin(), method_table.end(), [&](const MethodRow& row) { return row.name == name; });
    return found == method_table.end() ? nullptr : found;
}

const std::vector<std::string>& method_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (const auto& row : method_table) {
            if (row.extension.empty()) all.emplace_back(row.name);
        }
        return all;
    }();
    return names;
}

const std::vector<std::string>& extension_ids() {
    static const std::vector<std::string> ids{BERTH_SNAPSHOTS_EXTENSION};
    return ids;
}

bool is_extension_id(std::string_view text) noexcept {
    if (text.size() > 128) return false;
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return false;
    const auto revision = text.substr(slash + 1);
    if (revision.empty() || revision.size() > 4 || revision.front() == '0') return false;
    if (!std::all_of(revision.begin(), revision.end(), [](char digit) { return digit >= '0' && digit <= '9'; })) {
        return false;
    }
    std::size_t words = 0;
    for (auto rest = text.substr(0, slash);; ++words) {
        const auto end = std::min(rest.find('.'), rest.size());
        const auto word = rest.substr(0, end);
        if (word.empty() || !is_word_start(word.front())) return false;
        if (!std::all_of(word.begin(), word.end(), is_word_character)) return false;
        if (end == rest.size()) return words >= 1;
        rest.remove_prefix(end + 1);
    }
}

const FeatureRow* find_feature(std::string_view name) noexcept {
    const auto* found = std::find_if(feature_table.begin(), feature_table.end(),
                                     [&](const FeatureRow& row) { return row.name == name; });
    return found == feature_table.end() ? nullptr : found;
}

const std::vector<std::string>& feature_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        all.reserve(feature_table.size());
        for (const auto& row : feature_table)
            all.emplace_back(row.name);
        return all;
    }();
    return names;
}

bool has_member(const void* table, std::size_t size, const MethodRow& row) noexcept {
    if (size < row.offset + sizeof(void*)) return false;
    void* member = nullptr;
    std::memcpy(&member, static_cast<const char*>(table) + row.offset, sizeof member);
    return member != nullptr;
}

}  // namespace berth::inline host_v1
