package donor

// IsDIN tells whether the ID has the form of an ISBT 128 donation identification number.
func (id ID) IsDIN() bool { return isDIN(string(id)) }
