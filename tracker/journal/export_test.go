package journal

// SetMaxSize makes the disk of the current incarnation full at n bytes, from the next opening of its file on.
func (j *Journal) SetMaxSize(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.maxSize, j.suspect = n, true
}

// LiftMaxSize gives the disk room again.
func (j *Journal) LiftMaxSize() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.maxSize = 0
}

// FrontierStep is the distance of stored frontiers.
const FrontierStep = frontierStep
