/// Digests, checksums and other facts that are written down of a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/crc32c.h"
#include "base/digest.h"
#include "base/environment.h"
#include "base/quantities.h"
#include "swath/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

// FIPS 180-4, examples.
constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kNothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Digest, IsTheSha256OfTheBytes) {
  EXPECT_EQ(Sha256("abc"), kAbc);
  const TemporaryFolder folder;
  test::WriteFile(folder.File("abc"), "abc");
  test::WriteFile(folder.File("empty"), "");
  const FileDigest digest = DigestFile(folder.File("abc"));
  EXPECT_EQ(digest.sha256, kAbc);
  EXPECT_EQ(digest.bytes, 3);
  EXPECT_EQ(digest.files, 1);
  EXPECT_GT(digest.modified, 1600000000);
  EXPECT_EQ(DigestFile(folder.File("empty")).sha256, kNothing);
  EXPECT_EQ(FileFacts(folder.File("abc")).sha256, "") << "nothing is read";
}

TEST(Digest, ReadsLargeFilesInPieces) {
  const TemporaryFolder folder;
  const std::string text(3'000'001, 'x');
  test::WriteFile(folder.File("large"), text);
  int64_t told = 0, calls = 0;
  const FileDigest digest = DigestFile(folder.File("large"), [&](int64_t bytes) {
    told = bytes;
    ++calls;
  });
  EXPECT_EQ(digest.sha256, Sha256(text));
  EXPECT_EQ(told, 3'000'001);
  EXPECT_GE(calls, 3);
}

TEST(Digest, OfAFolderIsThatOfTheListOfItsFiles) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.File("slide/part"));
  test::WriteFile(folder.File("slide/b"), "abc");
  test::WriteFile(folder.File("slide/part/a"), "");
  const FileDigest digest = DigestFile(folder.File("slide"));
  EXPECT_EQ(digest.files, 2);
  EXPECT_EQ(digest.bytes, 3);
  EXPECT_EQ(digest.sha256, Sha256(std::string(kAbc) + "  slide/b\n" + kNothing + "  slide/part/a\n"));
  // An MRXS file is the least part of its slide.
  test::WriteFile(folder.File("slide.mrxs"), "picture");
  EXPECT_EQ(FileFacts(folder.File("slide.mrxs")).files, 3);
}

TEST(Digest, NamesWhatCannotBeRead) {
  const TemporaryFolder folder;
  try {
    DigestFile(folder.File("none"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    EXPECT_THAT(e.what(), testing::HasSubstr("none: cannot be read: No such file"));
  }
}

TEST(Crc32c, IsThatOfRfc3720) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(Environment, KnowsTheProgram) {
  const Environment environment = ReadEnvironment();
  EXPECT_THAT(environment.version, testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  ASSERT_FALSE(environment.command.empty());
  EXPECT_THAT(environment.command.front(), testing::HasSubstr("base_test"));
  EXPECT_EQ(environment.folder, std::filesystem::current_path());
  EXPECT_GE(environment.processors, 1);
  EXPECT_GT(environment.memory_bytes, 0);
  EXPECT_THAT(environment.system, testing::StartsWith("Linux "));
}

TEST(Environment, CommandsCanBePasted) {
  EXPECT_EQ(ShellLine({"swath", "train", "--out", "a b", "--augment", "flip,stain=0.1", "it's", "", "*"}),
            "swath train --out 'a b' --augment flip,stain=0.1 'it'\\''s' '' '*'");
  EXPECT_EQ(UtcTime(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(UtcTime(1795738385), "2026-11-27T00:13:05Z");
}

TEST(Quantities, AreReadable) {
  EXPECT_EQ(Bytes(512), "0.5 KiB");
  EXPECT_EQ(Bytes(3 << 20), "3.0 MiB");
  EXPECT_EQ(Plural(1, "strip") + ", " + Plural(2, "strip"), "1 strip, 2 strips");
  EXPECT_EQ(Duration(59.4), "59 s");
  EXPECT_EQ(Duration(185), "3 min 05 s");
  EXPECT_EQ(Duration(7800), "2 h 10 min");
}

}  // namespace
}  // namespace swath
