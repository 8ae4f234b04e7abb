/* The key set of fuzz_jwt.c, as the text of a constant. */
"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"0XoENMgP-1nCVgnhnYMX2GbMfW2ooAWaewCYO00WC9Q8lwz7Dyj6jjSfV4fX1zCFRHPkN"
    "Tl1jVX7E7S8kixc3h7-lsFGjLLVngrngx3ZzSxm-7PEK9LhhuRLxDwEvBjGeEfvFpIloEgM8BB7o8eN_y6CpVuS-CE54-ggd"
    "2W0cqiNWjSJbeApBLrOp81H4thwGW90K3aRKEwJG2nx78Wf0l5DuC-E7IZupdxzci1scIWX6IlL5wrP57-OH_DxV_yu7LfJ6"
    "3IdMQ7saBKLLGcNXyAv8lNsd8Bg9kPYa2LaxkbZbcJaJ7psmQfpSSBMdjDkFsqsZLSyK6_5OAqCyMjMow\",\"e\":\"AQAB\",\"k"
    "id\":\"r\",\"use\":\"sig\"},{\"kty\":\"EC\",\"x\":\"hNRT1IpVlqq22GVAPaQNXEHOzd2HnIV1kVpqC_htdqA\",\"y\":\"uUIygKkD"
    "okSzPE0l5-XCUAktVPaWT399iL3xW51uM0U\",\"crv\":\"P-256\",\"kid\":\"e\",\"use\":\"sig\"}]}"
