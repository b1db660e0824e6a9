#include "elf_links.hpp"

#include <algorithm>
#include <charconv>

#include "elf_dynamic.hpp"

namespace berth::inline host_v1 {

namespace {

/// Whether another object can be bound to it.
bool is_exported(const Elf64_Sym& symbol) {
    const auto binding = ELF64_ST_BIND(symbol.st_info);
    const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
    const bool outward = binding == STB_GLOBAL || binding == STB_WEAK || binding == STB_GNU_UNIQUE;
    return symbol.st_shndx != SHN_UNDEF && outward && (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

/// N of berth_plugin_vN.
std::optional<int> entry_major(std::string_view name) {
    static constexpr std::string_view prefix = "berth_plugin_v";
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size());
    int major = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), major);
    const bool whole = read.ec == std::errc{} && read.ptr == name.data() + name.size();
    return whole && major > 0 ? std::optional(major) : std::nullopt;
}

std::vector<std::string> split_at_colons(std::string_view list) {
    std::vector<std::string> parts;
    while (!list.empty()) {
        const auto end = std::min(list.find(':'), list.size());
        if (end != 0) parts.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return parts;
}

void read_symbols(const ElfDynamic& dynamic, ElfLinks& links) {
    dynamic.each_symbol([&links](const Elf64_Sym& symbol, std::string_view name) {
        if (!is_exported(symbol)) return;
        ++links.exported_count;
        // A hostile file may say the same name a million times.
        if (links.exported.size() < max_listed_symbols) links.exported.emplace_back(name);
        const auto major = entry_major(name);
        if (major && links.entries.size() < max_listed_symbols) links.entries.push_back(*major);
    });
    std::sort(links.exported.begin(), links.exported.end());
    std::sort(links.entries.begin(), links.entries.end());
}

}  // namespace

ElfLinks read_elf_links(const ByteSource& source) {
    const auto segments = read_segments(source, read_elf_header(source));
    const ElfDynamic dynamic(source, segments);
    ElfLinks links;
    for (const auto start : dynamic.values(DT_NEEDED))
        links.needed.push_back(dynamic.text(start, "the name of a library that it needs"));
    if (const auto start = dynamic.value(DT_SONAME)) links.soname = dynamic.text(*start, "its own name");
    // The newer of the two ways of saying it makes the loader deaf to the older.
    auto folders = dynamic.value(DT_RUNPATH);
    if (!folders) folders = dynamic.value(DT_RPATH);
    if (folders) links.library_folders = split_at_colons(dynamic.text(*folders, "its list of library folders"));
    links.text_relocations =
        dynamic.value(DT_TEXTREL).has_value() || (dynamic.value(DT_FLAGS).value_or(0) & DF_TEXTREL) != 0;
    for (const auto& segment : segments) {
        if (segment.p_type == PT_GNU_STACK) links.executable_stack = (segment.p_flags & PF_X) != 0;
    }
    read_symbols(dynamic, links);
    return links;
}

}  // namespace berth::inline host_v1
