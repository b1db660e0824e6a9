// Builds small ELF files in memory, right or wrong in one place, for the tests of the note reader.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace elf_image {

/// One note as the contract frames it.
inline std::string note(std::string_view owner, std::uint32_t type, std::string_view text) {
    const Elf64_Nhdr header{static_cast<Elf64_Word>(owner.size() + 1), static_cast<Elf64_Word>(text.size()), type};
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    const auto add = [&bytes](std::string_view part, std::size_t size) {
        bytes += part;
        bytes.resize(bytes.size() + (size + 3) / 4 * 4 - part.size());
    };
    add(owner, owner.size() + 1);
    add(text, text.size());
    return bytes;
}

/// What a dynamic section says.
struct Links {
    std::vector<std::string> needed;
    std::vector<std::string> exported;
    std::string run_path;
    std::string soname;
};

/// A shared object for this machine with its notes in a segment, in a section, or both.
struct Image {
    Elf64_Ehdr header = [] {
        Elf64_Ehdr made{};
        std::memcpy(made.e_ident, ELFMAG, SELFMAG);
        made.e_ident[EI_CLASS] = ELFCLASS64;
        made.e_ident[EI_DATA] = ELFDATA2LSB;
        made.e_ident[EI_VERSION] = EV_CURRENT;
        made.e_type = ET_DYN;
#if defined(__x86_64__)
        made.e_machine = EM_X86_64;
#elif defined(__aarch64__)
        made.e_machine = EM_AARCH64;
#else
        made.e_machine = EM_RISCV;
#endif
        made.e_phentsize = sizeof(Elf64_Phdr);
        made.e_shentsize = sizeof(Elf64_Shdr);
        return made;
    }();
    std::vector<Elf64_Phdr> segments;
    std::vector<Elf64_Shdr> sections;
    std::string content;  ///< begins right behind the header

    [[nodiscard]] std::uint64_t append(std::string_view bytes) {
        content.resize((content.size() + 7) / 8 * 8);
        const auto offset = sizeof header + content.size();
        content += bytes;
        return offset;
    }

    Image& with_segment(std::string_view notes, std::uint64_t alignment = 4) {
        Elf64_Phdr segment{};
        segment.p_type = PT_NOTE;
        segment.p_offset = append(notes);
        segment.p_filesz = notes.size();
        segment.p_align = alignment;
        segments.push_back(segment);
        return *this;
    }

    Image& with_section(std::string_view notes) {
        static constexpr std::string_view names("\0.note.berth\0.shstrtab\0", 23);
        Elf64_Shdr section{};
        section.sh_name = 1;
        section.sh_type = SHT_NOTE;
        section.sh_offset = append(notes);
        section.sh_size = notes.size();
        section.sh_addralign = 4;
        Elf64_Shdr strings{};
        strings.sh_name = 13;
        strings.sh_type = SHT_STRTAB;
        strings.sh_offset = append(names);
        strings.sh_size = names.size();
        sections = {Elf64_Shdr{}, section, strings};
        header.e_shstrndx = 2;
        return *this;
    }

    /// A dynamic section with all that it points to, in one segment that holds everything appended so far.
    Image& with_links(const Links& links) {
        std::string texts(1, '\0');
        const auto text = [&texts](const std::string& word) {
            const auto start = texts.size();
            texts += word + '\0';
            return start;
        };
        std::vector<Elf64_Dyn> entries;
        const auto entry = [&entries](Elf64_Sxword tag, std::uint64_t value) {
            entries.push_back(Elf64_Dyn{tag, {value}});
        };
        for (const auto& name : links.needed)
            entry(DT_NEEDED, text(name));
        if (!links.run_path.empty()) entry(DT_RUNPATH, text(links.run_path));
        if (!links.soname.empty()) entry(DT_SONAME, text(links.soname));
        std::vector<Elf64_Sym> symbols(1);
        for (const auto& name : links.exported) {
            Elf64_Sym symbol{};
            symbol.st_name = static_cast<Elf64_Word>(text(name));
            symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
            symbol.st_shndx = 1;
            symbols.push_back(symbol);
        }
        // One bucket whose chain runs through all of them; the last link is odd.
        std::vector<std::uint32_t> hash{1, 1, 1, 0, 0, 0, links.exported.empty() ? 0U : 1U};
        for (std::size_t index = 0; index < links.exported.size(); ++index)
            hash.push_back(index + 1 == links.exported.size() ? 1 : 2);
        entry(DT_GNU_HASH, append(bytes_of(hash)));
        entry(DT_SYMTAB, append(bytes_of(symbols)));
        entry(DT_STRTAB, append(texts));
        entry(DT_STRSZ, texts.size());
        entry(DT_NULL, 0);
        Elf64_Phdr dynamic{};
        dynamic.p_type = PT_DYNAMIC;
        dynamic.p_offset = dynamic.p_vaddr = append(bytes_of(entries));
        dynamic.p_filesz = dynamic.p_memsz = entries.size() * sizeof(Elf64_Dyn);
        Elf64_Phdr load{};
        load.p_type = PT_LOAD;
        load.p_filesz = load.p_memsz = sizeof header + content.size();
        segments.push_back(load);
        segments.push_back(dynamic);
        return *this;
    }

    template <typename Value>
    static std::string bytes_of(const std::vector<Value>& values) {
        return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value)};
    }

    /// The whole file: header, content, then the tables of headers.
    [[nodiscard]] std::vector<std::byte> bytes() const {
        Image copy = *this;
        if (!segments.empty()) {
            copy.header.e_phnum = static_cast<Elf64_Half>(segments.size());
            copy.header.e_phoff =
                copy.append({reinterpret_cast<const char*>(segments.data()), segments.size() * sizeof(Elf64_Phdr)});
        }
        if (!sections.empty()) {
            copy.header.e_shnum = static_cast<Elf64_Half>(sections.size());
            copy.header.e_shoff =
                copy.append({reinterpret_cast<const char*>(sections.data()), sections.size() * sizeof(Elf64_Shdr)});
        }
        const std::string text = std::string(reinterpret_cast<const char*>(&copy.header), sizeof header) + copy.content;
        const auto view = std::as_bytes(std::span(text));
        return {view.begin(), view.end()};
    }
};

}  // namespace elf_image
