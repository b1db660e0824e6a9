// What a file is bound to, read off its dynamic section: right ones, and ones that lie about every number in it.
#include "plugin/elf_links.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "elf_image.hpp"

using namespace berth;
using elf_image::Image;
using elf_image::Links;

namespace {

const Links usual{{"libm.so.6", "libc.so.6"}, {"berth_plugin_v1", "another"}, "$ORIGIN/lib:/opt/acme", "acme.so"};

ElfLinks read(const Image& image) {
    const auto bytes = image.bytes();
    return read_elf_links(MemoryBytes(bytes));
}

/// The number of the refusal and its sentence, or "taken".
std::string refusal(const Image& image) {
    try {
        (void)read(image);
    } catch (const Error& error) {
        return std::string(error.diagnostic()) + ": " + error.fields().message;
    }
    return "taken";
}

bool is_damaged(const Image& image, std::string_view by) {
    const auto found = refusal(image);
    CAPTURE(found);
    return found.starts_with("BERTH-P-10") && found.find(by) != std::string::npos;
}

/// An entry of the dynamic section of that image.
Elf64_Dyn& entry(Image& image, Elf64_Sxword tag) {
    const auto& segment = image.segments.back();
    auto* entries = reinterpret_cast<Elf64_Dyn*>(image.content.data() + segment.p_offset - sizeof image.header);
    return *std::find_if(entries, entries + segment.p_filesz / sizeof(Elf64_Dyn),
                         [tag](const Elf64_Dyn& candidate) { return candidate.d_tag == tag; });
}

template <typename Value>
void put(Image& image, std::uint64_t offset, Value value) {
    std::memcpy(image.content.data() + offset - sizeof image.header, &value, sizeof value);
}

}  // namespace

TEST_CASE("libraries, folders, symbols and entries are those of the file") {
    const auto links = read(Image().with_links(usual));
    CHECK(links.needed == usual.needed);
    CHECK(links.soname == "acme.so");
    CHECK(links.library_folders == std::vector<std::string>{"$ORIGIN/lib", "/opt/acme"});
    CHECK(links.exported == std::vector<std::string>{"another", "berth_plugin_v1"});
    CHECK(links.exported_count == 2);
    CHECK(links.entries == std::vector<int>{1});
    CHECK_FALSE(links.executable_stack);
    CHECK_FALSE(links.text_relocations);
}

TEST_CASE("entries of other majors are told from other names") {
    CHECK(read(Image().with_links({{}, {"berth_plugin_v12", "berth_plugin_v2"}, {}, {}})).entries ==
          std::vector<int>{2, 12});
    CHECK(read(Image().with_links(
                   {{}, {"berth_plugin_v", "berth_plugin_v1x", "berth_plugin_v0", "xberth_plugin_v1"}, {}, {}}))
              .entries.empty());
}

TEST_CASE("a symbol that others cannot be bound to is not exported") {
    auto image = Image().with_links(usual);
    const auto first = entry(image, DT_SYMTAB).d_un.d_ptr + sizeof(Elf64_Sym);
    put(image, first + offsetof(Elf64_Sym, st_other), static_cast<unsigned char>(STV_HIDDEN));
    CHECK(read(image).exported == std::vector<std::string>{"another"});
    put(image, first + offsetof(Elf64_Sym, st_other), static_cast<unsigned char>(STV_DEFAULT));
    put(image, first + offsetof(Elf64_Sym, st_shndx), static_cast<Elf64_Half>(SHN_UNDEF));
    CHECK(read(image).entries.empty());
    put(image, first + offsetof(Elf64_Sym, st_shndx), static_cast<Elf64_Half>(1));
    put(image, first + offsetof(Elf64_Sym, st_info), static_cast<unsigned char>(ELF64_ST_INFO(STB_LOCAL, STT_FUNC)));
    CHECK(read(image).entries.empty());
}

TEST_CASE("an executable stack and code that wants to be changed are told") {
    auto image = Image().with_links(usual);
    entry(image, DT_SONAME) = Elf64_Dyn{DT_TEXTREL, {0}};
    Elf64_Phdr stack{};
    stack.p_type = PT_GNU_STACK;
    stack.p_flags = PF_R | PF_W | PF_X;
    image.segments.push_back(stack);
    CHECK(read(image).executable_stack);
    CHECK(read(image).text_relocations);
}

TEST_CASE("of very many symbols the first are listed and all are counted") {
    Links many;
    for (int number = 0; number < 5000; ++number)
        many.exported.push_back("symbol_" + std::to_string(number));
    const auto links = read(Image().with_links(many));
    CHECK(links.exported_count == 5000);
    CHECK(links.exported.size() == max_listed_symbols);
}

TEST_CASE("a name longer than any listing is cut, one without an end is damage") {
    const std::string longest(10'000, 'x');
    const auto links = read(Image().with_links({{}, {longest}, {}, {}}));
    CHECK(links.exported_count == 1);
    CHECK(links.exported[0].size() < longest.size());
    CHECK(is_damaged(Image().with_links({{longest}, {}, {}, {}}), "longer than 4096 bytes"));
    auto image = Image().with_links(usual);
    --entry(image, DT_STRSZ).d_un.d_val;
    CHECK(is_damaged(image, "no end"));
}

TEST_CASE("no dynamic section, one without an end, one without texts") {
    CHECK(is_damaged(Image(), "no dynamic section"));
    auto endless = Image().with_links(usual);
    endless.segments.back().p_filesz -= sizeof(Elf64_Dyn);
    CHECK(is_damaged(endless, "has no end"));
    auto without = Image().with_links(usual);
    entry(without, DT_STRSZ).d_tag = DT_DEBUG;
    CHECK(is_damaged(without, "no table of texts"));
    auto huge = Image().with_links(usual);
    huge.segments.back().p_filesz = ~std::uint64_t{0};
    CHECK(is_damaged(huge, "more than 4096 entries"));
}

TEST_CASE("addresses and sizes outside of the segments, up to those that overflow") {
    for (const std::uint64_t wrong : {std::uint64_t{1} << 20U, ~std::uint64_t{0}, ~std::uint64_t{0} - 8}) {
        for (const Elf64_Sxword tag : {DT_STRTAB, DT_SYMTAB, DT_GNU_HASH, DT_NEEDED, DT_RUNPATH, DT_SONAME}) {
            CAPTURE(tag);
            auto image = Image().with_links(usual);
            entry(image, tag).d_un.d_val = wrong;
            CHECK(is_damaged(image, "outside"));
        }
        auto dynamic = Image().with_links(usual);
        dynamic.segments.back().p_vaddr = wrong;
        CHECK(is_damaged(dynamic, "outside"));
    }
    auto texts = Image().with_links(usual);
    entry(texts, DT_STRSZ).d_un.d_val = ~std::uint64_t{0};
    CHECK(is_damaged(texts, "longer than 32 MiB"));
    entry(texts, DT_STRSZ).d_un.d_val = 1U << 20U;
    CHECK(is_damaged(texts, "outside of its segments"));
    auto name = Image().with_links(usual);
    put(name, entry(name, DT_SYMTAB).d_un.d_ptr + sizeof(Elf64_Sym), 0xFFFFFFFFU);
    CHECK(is_damaged(name, "the name of a symbol lies outside"));
}

TEST_CASE("a symbol hash that is for too many, contradicts itself or never ends") {
    const auto with = [](std::size_t word, std::uint32_t value) {
        auto image = Image().with_links(usual);
        put(image, entry(image, DT_GNU_HASH).d_un.d_ptr + word * 4, value);
        return image;
    };
    for (const std::size_t word : {0U, 1U, 2U, 6U}) {
        CAPTURE(word);
        CHECK(is_damaged(with(word, 0xFFFFFFFFU), "symbol hash"));
    }
    CHECK(is_damaged(with(1, 2), "contradicts itself"));
    // Behind the chain stand the symbols; the end of the segment comes before an odd word does.
    auto endless = Image().with_links({{}, {"only"}, {}, {}});
    put(endless, entry(endless, DT_GNU_HASH).d_un.d_ptr + 28, 2U);
    CHECK(refusal(endless).starts_with("BERTH-P-10"));
}

TEST_CASE("the older hash says itself how many symbols there are") {
    auto image = Image().with_links(usual);
    auto& hash = entry(image, DT_GNU_HASH);
    hash.d_tag = DT_HASH;
    put(image, hash.d_un.d_ptr + 4, 3U);
    CHECK(read(image).exported_count == 2);
    put(image, hash.d_un.d_ptr + 4, 0xFFFFFFFFU);
    CHECK(is_damaged(image, "more than 1000000 symbols"));
}

TEST_CASE("segments that overlap, are out of order, or end beyond all addresses") {
    auto overlapping = Image().with_links(usual);
    overlapping.segments.push_back(overlapping.segments.front());
    CHECK(is_damaged(overlapping, "overlap"));
    auto endless = Image().with_links(usual);
    endless.segments.front().p_vaddr = ~std::uint64_t{0} - 8;
    CHECK(is_damaged(endless, "beyond all addresses"));
    auto longer = Image().with_links(usual);
    longer.segments.front().p_memsz = 8;
    CHECK(is_damaged(longer, "longer in the file"));
}

TEST_CASE("a real library of this machine") {
    const FileDescriptor self{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    REQUIRE(self);
    const auto size = static_cast<std::uint64_t>(::lseek(self.get(), 0, SEEK_END));
    const auto links = read_elf_links(FileBytes(self.get(), size));
    CHECK(std::find(links.needed.begin(), links.needed.end(), "libc.so.6") != links.needed.end());
}
