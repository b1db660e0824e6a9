#include "elf_dynamic.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace berth::inline host_v1 {

namespace {

// Real plugins have some 30 entries, a handful of exported symbols and a few kilobytes of texts. What is above these
// caps has not been made by a linker.
constexpr std::uint64_t max_entries = 4096;
constexpr std::uint64_t max_symbols = 1'000'000;
constexpr std::uint64_t max_text_bytes = std::uint64_t{32} << 20U;
constexpr std::uint64_t max_text = 4096;
constexpr std::uint64_t symbols_at_once = 4096;

/// As the loader maps them: in order, one behind the other.
std::vector<Elf64_Phdr> in_order(std::vector<Elf64_Phdr> segments) {
    std::uint64_t end = 0;
    for (const auto& segment : segments) {
        if (segment.p_type != PT_LOAD) continue;
        if (segment.p_filesz > segment.p_memsz) throw_damaged("a segment is longer in the file than in memory");
        if (segment.p_vaddr < end) throw_damaged("its segments overlap or are out of order");
        if (segment.p_memsz > ~std::uint64_t{0} - segment.p_vaddr) throw_damaged("a segment ends beyond all addresses");
        end = segment.p_vaddr + segment.p_memsz;
    }
    return segments;
}

/// Where in the file the bytes are that will stand at an address.
ElfRange range_at(const std::vector<Elf64_Phdr>& segments, std::uint64_t address, std::uint64_t size,
                  std::string_view what) {
    for (const auto& segment : segments) {
        if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
        const auto inside = address - segment.p_vaddr;
        if (inside <= segment.p_filesz && size <= segment.p_filesz - inside) return {segment.p_offset + inside, size};
    }
    throw_damaged(std::string(what) + " lies outside of its segments");
}

std::vector<Elf64_Dyn> read_entries(const ByteSource& source, const std::vector<Elf64_Phdr>& segments) {
    const auto dynamic = std::find_if(segments.rbegin(), segments.rend(),
                                      [](const Elf64_Phdr& segment) { return segment.p_type == PT_DYNAMIC; });
    if (dynamic == segments.rend()) throw_damaged("it has no dynamic section, so it cannot be loaded");
    const auto count = dynamic->p_filesz / sizeof(Elf64_Dyn);
    if (count > max_entries) throw_damaged("its dynamic section has more than 4096 entries");
    const auto bytes =
        elf_bytes(source, range_at(segments, dynamic->p_vaddr, count * sizeof(Elf64_Dyn), "its dynamic section"),
                  "its dynamic section");
    std::vector<Elf64_Dyn> entries;
    for (std::uint64_t index = 0; index < count; ++index) {
        const auto entry = elf_value<Elf64_Dyn>(bytes, index);
        if (entry.d_tag == DT_NULL) return entries;
        entries.push_back(entry);
    }
    throw_damaged("its dynamic section has no end");
}

/// The text before the first NUL, or nothing when there is none.
std::optional<std::string_view> text_in(std::span<const std::byte> bytes) {
    const auto end = std::find(bytes.begin(), bytes.end(), std::byte{0});
    if (end == bytes.end()) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(end - bytes.begin()));
}

}  // namespace

ElfDynamic::ElfDynamic(const ByteSource& source, std::vector<Elf64_Phdr> segments)
    : source_(source), segments_(in_order(std::move(segments))), entries_(read_entries(source_, segments_)) {}

std::optional<std::uint64_t> ElfDynamic::value(Elf64_Sxword tag) const {
    const auto entry = std::find_if(entries_.rbegin(), entries_.rend(),
                                    [tag](const Elf64_Dyn& candidate) { return candidate.d_tag == tag; });
    if (entry == entries_.rend()) return std::nullopt;
    return entry->d_un.d_val;
}

std::vector<std::uint64_t> ElfDynamic::values(Elf64_Sxword tag) const {
    std::vector<std::uint64_t> found;
    for (const auto& entry : entries_) {
        if (entry.d_tag == tag) found.push_back(entry.d_un.d_val);
    }
    return found;
}

ElfRange ElfDynamic::range_of(std::uint64_t address, std::uint64_t size, std::string_view what) const {
    return range_at(segments_, address, size, what);
}

ElfRange ElfDynamic::texts() const {
    const auto address = value(DT_STRTAB);
    const auto size = value(DT_STRSZ);
    if (!address || !size) throw_damaged("its dynamic section has no table of texts");
    if (*size > max_text_bytes) throw_damaged("its table of texts is longer than 32 MiB");
    return range_of(*address, *size, "its table of texts");
}

std::string ElfDynamic::text(std::uint64_t start, std::string_view what) const {
    const auto table = texts();
    if (start >= table.size) throw_damaged(std::string(what) + " lies outside of its table of texts");
    const auto bytes =
        elf_bytes(source_, {table.offset + start, std::min(table.size - start, max_text)}, "its table of texts");
    const auto found = text_in(bytes);
    if (!found) throw_damaged(std::string(what) + " is longer than 4096 bytes or has no end");
    return std::string(*found);
}

/// The table does not say how long it is: the loader only ever comes to a symbol through a hash. The highest one that
/// a chain of the hash leads to is the last of all.
std::uint64_t ElfDynamic::count_by_gnu_hash(std::uint64_t address) const {
    struct Head {
        std::uint32_t buckets, first_symbol, filter_words, shift;
    };
    const auto head =
        elf_value<Head>(elf_bytes(source_, range_of(address, sizeof(Head), "its symbol hash"), "its symbol hash"), 0);
    if (head.buckets > max_symbols || head.filter_words > max_symbols || head.first_symbol > max_symbols) {
        throw_damaged("its symbol hash is for more than 1000000 symbols");
    }
    const auto buckets_at = address + sizeof head + std::uint64_t{head.filter_words} * 8;
    const auto buckets =
        elf_bytes(source_, range_of(buckets_at, std::uint64_t{head.buckets} * 4, "its symbol hash"), "its symbol hash");
    std::uint32_t highest = 0;
    for (std::uint64_t index = 0; index < head.buckets; ++index)
        highest = std::max(highest, elf_value<std::uint32_t>(buckets, index));
    if (highest == 0) return head.first_symbol;
    if (highest < head.first_symbol || highest > max_symbols) throw_damaged("its symbol hash contradicts itself");
    const auto chains_at = buckets_at + std::uint64_t{head.buckets} * 4;
    for (std::uint64_t symbol = highest; symbol < max_symbols; ++symbol) {
        const auto place = range_of(chains_at + (symbol - head.first_symbol) * 4, 4, "its symbol hash");
        const auto link = elf_value<std::uint32_t>(elf_bytes(source_, place, "its symbol hash"), 0);
        if ((link & 1U) != 0) return symbol + 1;
    }
    throw_damaged("its symbol hash is for more than 1000000 symbols");
}

std::uint64_t ElfDynamic::symbol_count() const {
    if (const auto hash = value(DT_GNU_HASH)) return count_by_gnu_hash(*hash);
    const auto hash = value(DT_HASH);
    if (!hash) return 0;
    const auto head = elf_bytes(source_, range_of(*hash, 8, "its symbol hash"), "its symbol hash");
    return elf_value<std::uint32_t>(head, 1);
}

void ElfDynamic::each_symbol(const std::function<void(const Elf64_Sym&, std::string_view)>& show) const {
    const auto table = value(DT_SYMTAB);
    const auto count = table ? symbol_count() : 0;
    if (count == 0) return;
    if (count > max_symbols) throw_damaged("it has more than 1000000 symbols");
    if (value(DT_SYMENT).value_or(sizeof(Elf64_Sym)) != sizeof(Elf64_Sym))
        throw_damaged("its symbols have a wrong size");
    const auto place = range_of(*table, count * sizeof(Elf64_Sym), "its table of symbols");
    const auto names = elf_bytes(source_, texts(), "its table of texts");
    for (std::uint64_t first = 0; first < count; first += symbols_at_once) {
        const auto block = std::min(symbols_at_once, count - first);
        const auto bytes = elf_bytes(source_, {place.offset + first * sizeof(Elf64_Sym), block * sizeof(Elf64_Sym)},
                                     "its table of symbols");
        for (std::uint64_t index = 0; index < block; ++index) {
            const auto symbol = elf_value<Elf64_Sym>(bytes, index);
            if (symbol.st_name >= names.size())
                throw_damaged("the name of a symbol lies outside of its table of texts");
            const auto rest = std::span(names).subspan(symbol.st_name);
            const auto start = rest.first(std::min(rest.size(), max_symbol_name));
            const auto name = text_in(start);
            if (!name && start.size() < max_symbol_name) throw_damaged("the name of a symbol has no end");
            show(symbol, name.value_or(std::string_view(reinterpret_cast<const char*>(start.data()), start.size())));
        }
    }
}

}  // namespace berth::inline host_v1
