// What the note reader takes and what it refuses, on files made in memory.
#include "plugin/elf_notes.hpp"

#include <doctest/doctest.h>

#include <string>

#include "base/error.hpp"
#include "elf_image.hpp"

using namespace berth;
using elf_image::Image;
using elf_image::note;

namespace {

const std::string manifest_text = R"({"name":"x"})";

std::string manifest_note() {
    return note("berth", 1, manifest_text);
}

ElfNotes read(const std::vector<std::byte>& bytes) {
    return read_elf_notes(MemoryBytes(bytes));
}

/// The number of the error that reading gives.
std::string refusal(const std::vector<std::byte>& bytes) {
    try {
        (void)read(bytes);
    } catch (const Error& error) {
        return std::string(error.diagnostic());
    }
    return "taken";
}

std::string refusal(const Image& image) {
    return refusal(image.bytes());
}

}  // namespace

TEST_CASE("the manifest is found by segment and, without segments, by section") {
    CHECK(read(Image().with_segment(manifest_note()).bytes()).manifest == manifest_text);
    CHECK(read(Image().with_section(manifest_note()).bytes()).manifest == manifest_text);
    CHECK_FALSE(read(Image().with_section(manifest_note()).bytes()).provides.has_value());
}

TEST_CASE("the list of methods is the second note, before or after the manifest, beside notes of others") {
    const auto provides = note("berth", 2, "create get");
    const auto foreign = note("GNU", 3, "0123456789abcdef0123");
    for (const auto& notes : {manifest_note() + provides, provides + manifest_note(),
                              foreign + provides + foreign + manifest_note() + note("berth", 99, "of later")}) {
        const auto found = read(Image().with_segment(notes).bytes());
        CHECK(found.manifest == manifest_text);
        CHECK(found.provides == "create get");
    }
}

TEST_CASE("notes may be spread over segments, and a segment aligned to eight is read as such") {
    // A property note of GNU as compilers write it: parts aligned to eight bytes.
    const std::string property("\x04\0\0\0\x10\0\0\0\x05\0\0\0GNU\0\x02\0\0\xc0\x04\0\0\0\x03\0\0\0\0\0\0\0", 32);
    const auto image =
        Image().with_segment(property, 8).with_segment(note("berth", 2, "a")).with_segment(manifest_note());
    const auto found = read(image.bytes());
    CHECK(found.manifest == manifest_text);
    CHECK(found.provides == "a");
}

TEST_CASE("the last note may lack its padding") {
    auto notes = note("berth", 1, "{}x");
    notes.pop_back();
    CHECK(read(Image().with_segment(notes).bytes()).manifest == "{}x");
}

TEST_CASE("what is not ELF is told from what is damaged") {
    CHECK(refusal(std::vector<std::byte>{}) == "BERTH-P-08");
    const std::string text = "#!/bin/sh\n# long enough to hold the header of an ELF file, were it one, all of it\n";
    const auto view = std::as_bytes(std::span(text));
    CHECK(refusal({view.begin(), view.end()}) == "BERTH-P-08");
    auto bytes = Image().with_segment(manifest_note()).bytes();
    for (const std::size_t kept : {4U, 15U, 16U, 63U}) {
        CHECK(refusal({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(kept)}) == "BERTH-P-10");
    }
}

TEST_CASE("files for other machines, and other kinds of ELF files") {
    const auto wrong = [](auto change) {
        auto image = Image().with_segment(manifest_note());
        change(image.header);
        return refusal(image);
    };
    CHECK(wrong([](Elf64_Ehdr& header) { header.e_ident[EI_CLASS] = ELFCLASS32; }) == "BERTH-P-09");
    CHECK(wrong([](Elf64_Ehdr& header) { header.e_ident[EI_DATA] = ELFDATA2MSB; }) == "BERTH-P-09");
    CHECK(wrong([](Elf64_Ehdr& header) { header.e_machine = EM_SPARCV9; }) == "BERTH-P-09");
    CHECK(wrong([](Elf64_Ehdr& header) { header.e_type = ET_REL; }) == "BERTH-P-09");
    CHECK(wrong([](Elf64_Ehdr& header) { header.e_type = ET_EXEC; }) == "BERTH-P-09");
    CHECK(wrong([](Elf64_Ehdr& header) { header.e_ident[EI_CLASS] = 7; }) == "BERTH-P-10");
    CHECK(wrong([](Elf64_Ehdr& header) { header.e_ident[EI_VERSION] = 2; }) == "BERTH-P-10");
}

TEST_CASE("a shared object without a note of ours") {
    CHECK(refusal(Image()) == "BERTH-P-11");
    CHECK(refusal(Image().with_segment(note("GNU", 1, "abcd"))) == "BERTH-P-11");
    CHECK(refusal(Image().with_segment(note("berth", 2, "create"))) == "BERTH-P-11");
}

TEST_CASE("offsets and sizes beyond the file, up to those that overflow") {
    for (const std::uint64_t wrong : {std::uint64_t{1} << 20U, ~std::uint64_t{0}, ~std::uint64_t{0} - 8}) {
        auto by_segment = Image().with_segment(manifest_note());
        by_segment.segments[0].p_offset = wrong;
        CHECK(refusal(by_segment) == "BERTH-P-10");
        auto long_segment = Image().with_segment(manifest_note());
        long_segment.segments[0].p_filesz = wrong;
        CHECK(refusal(long_segment) == "BERTH-P-10");
        auto by_section = Image().with_section(manifest_note());
        by_section.sections[1].sh_offset = wrong;
        CHECK(refusal(by_section) == "BERTH-P-10");
        auto names = Image().with_section(manifest_note());
        names.sections[2].sh_offset = wrong;
        CHECK(refusal(names) == "BERTH-P-10");
        auto table = Image().with_segment(manifest_note()).bytes();
        std::memcpy(table.data() + offsetof(Elf64_Ehdr, e_phoff), &wrong, sizeof wrong);
        CHECK(refusal(table) == "BERTH-P-10");
    }
}

TEST_CASE("counts above the caps, and headers of a wrong size") {
    auto many = Image().with_segment(manifest_note());
    many.segments.resize(1025, many.segments[0]);
    CHECK(refusal(many) == "BERTH-P-10");
    auto sections = Image().with_section(manifest_note());
    sections.sections.resize(1025);
    CHECK(refusal(sections) == "BERTH-P-10");
    auto entry_size = Image().with_segment(manifest_note());
    entry_size.header.e_phentsize = 1;
    CHECK(refusal(entry_size) == "BERTH-P-10");
    std::string notes;
    for (int count = 0; count < 65; ++count)
        notes += note("GNU", 1, "");
    CHECK(refusal(Image().with_segment(notes + manifest_note())) == "BERTH-P-10");
}

TEST_CASE("a note that is longer than the place it stands in") {
    for (const std::uint32_t wrong : {100U, 0xFFFFFFFFU}) {
        for (const std::size_t member : {0U, 4U}) {
            auto notes = manifest_note();
            std::memcpy(notes.data() + member, &wrong, sizeof wrong);
            CHECK(refusal(Image().with_segment(notes)) == "BERTH-P-10");
        }
    }
}

TEST_CASE("a manifest of exactly 64 KiB is taken, one byte more is refused") {
    const std::string most(max_manifest_bytes, 'm');
    CHECK(read(Image().with_segment(note("berth", 1, most)).bytes()).manifest == most);
    CHECK(refusal(Image().with_segment(note("berth", 1, most + "m"))) == "BERTH-P-13");
}

TEST_CASE("two manifests in one file are two plugins") {
    CHECK(refusal(Image().with_segment(manifest_note() + manifest_note())) == "BERTH-P-10");
    CHECK(refusal(Image().with_segment(manifest_note()).with_segment(manifest_note())) == "BERTH-P-10");
}

TEST_CASE("a segment that the loader would map from beyond the end of the file") {
    auto image = Image().with_segment(manifest_note());
    Elf64_Phdr load{};
    load.p_type = PT_LOAD;
    load.p_filesz = 64;
    image.segments.push_back(load);
    CHECK(read(image.bytes()).manifest == manifest_text);
    image.segments.back().p_filesz = 1U << 20U;
    CHECK(refusal(image) == "BERTH-P-10");
}
