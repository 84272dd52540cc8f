package catalogue

// Plural categories of CLDR. Which of them a language has is in
// PluralCategories; a plural message must carry every one of its language.
const (
	pluralZero  = "zero"
	pluralOne   = "one"
	pluralTwo   = "two"
	pluralFew   = "few"
	pluralMany  = "many"
	pluralOther = "other"
)

// PluralCategories lists the cardinal categories of a language in CLDR's order,
// or nil for a language that no bundle speaks. "other" is in every one; in
// Russian whole numbers never fall into it, but fractions do, and translators'
// tools ask for it.
func PluralCategories(lang string) []string {
	switch lang {
	case "az", "en", "de", "fa":
		return []string{pluralOne, pluralOther}
	case "fr", "es", "it":
		return []string{pluralOne, pluralMany, pluralOther}
	case "ru":
		return []string{pluralOne, pluralFew, pluralMany, pluralOther}
	case "ar":
		return []string{pluralZero, pluralOne, pluralTwo, pluralFew, pluralMany, pluralOther}
	}
	return nil
}

// Plural is the cardinal category of a whole number (Unicode CLDR 48, plurals.xml).
// The sign does not count.
func Plural(lang string, v int64) string {
	n := magnitude(v)
	is := func(ok bool, category string) string {
		if ok {
			return category
		}
		return pluralOther
	}
	million := n != 0 && n%1_000_000 == 0
	switch lang {
	case "az", "en", "de":
		return is(n == 1, pluralOne)
	case "fa":
		return is(n <= 1, pluralOne)
	case "fr":
		if million {
			return pluralMany
		}
		return is(n <= 1, pluralOne)
	case "es", "it":
		if million {
			return pluralMany
		}
		return is(n == 1, pluralOne)
	case "ru":
		return pluralRu(n)
	case "ar":
		return pluralAr(n)
	}
	return pluralOther
}

func pluralRu(n uint64) string {
	tens, ones := n%100, n%10
	switch {
	case ones == 1 && tens != 11:
		return pluralOne
	case ones >= 2 && ones <= 4 && (tens < 12 || tens > 14):
		return pluralFew
	}
	return pluralMany
}

func pluralAr(n uint64) string {
	switch tens := n % 100; {
	case n == 0:
		return pluralZero
	case n == 1:
		return pluralOne
	case n == 2:
		return pluralTwo
	case tens >= 3 && tens <= 10:
		return pluralFew
	case tens >= 11:
		return pluralMany
	}
	return pluralOther
}
