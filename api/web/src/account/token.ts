/** The token of a join link; '' when the fragment holds none that can be one. */
export function joinToken(hash: URLSearchParams): string {
	const token = hash.get('token') ?? '';
	return /^isotherm_person_[A-Za-z0-9_-]{16,200}$/.test(token) ? token : '';
}
